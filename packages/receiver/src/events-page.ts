/** A message of an events API. */
export interface PulledMessage {
  readonly id: string
  readonly sequence: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What an events API gives at a time. */
export interface MessagePage {
  readonly messages: readonly PulledMessage[]
  /** What the next ones come after. */
  readonly cursor: string
  readonly hasMore: boolean
}

/** The members of a problem (RFC 9457) that are read; none of them in what is no JSON. */
export function problemOf(text: string): {
  readonly code?: unknown
  readonly detail?: unknown
  readonly first?: unknown
} {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

/** The number of a message. */
const CURSOR = /^\d{1,16}$/

/** Reads a response; undefined when it is something else than messages. */
export function pageOf(text: string): MessagePage | undefined {
  const page = problemOf(text) as Partial<MessagePage>
  const isPage =
    Array.isArray(page.messages) &&
    page.messages.every(isMessage) &&
    typeof page.cursor === 'string' &&
    CURSOR.test(page.cursor) &&
    Number.isSafeInteger(Number(page.cursor)) &&
    typeof page.hasMore === 'boolean'
  return isPage ? (page as MessagePage) : undefined
}

function isMessage(value: unknown): value is PulledMessage {
  const { id, sequence, headers, body } = Object(value)
  return (
    typeof id === 'string' &&
    Number.isSafeInteger(sequence) &&
    typeof body === 'string' &&
    typeof headers === 'object' &&
    headers !== null &&
    Object.values(headers).every((one) => typeof one === 'string')
  )
}

/** Undefined where the text is not percent-encoded UTF-8. */
function decodedText(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const MESSAGES = /\/endpoints\/([^/]+)\/messages$/

/** Where the messages of an endpoint are read, and of which. */
export interface MessagesUrl {
  readonly url: URL
  readonly endpoint: string
}

/**
 * The address of an endpoint's messages.
 *
 * @param given - the API's, with the endpoint beside it; or that of the messages themselves.
 * @returns undefined when the endpoint is missing, or named twice, or it is no http address.
 */
export function messagesUrlOf(given: string, endpoint: string | undefined): MessagesUrl | undefined {
  const url = URL.parse(given)
  if (!url || !/^https?:$/.test(url.protocol)) return undefined
  url.search = ''
  url.hash = ''
  url.pathname = url.pathname.replace(/\/+$/, '')
  const named = MESSAGES.exec(url.pathname)?.[1]
  if ((named === undefined) === (endpoint === undefined)) return undefined
  if (endpoint !== undefined && (endpoint === '' || !endpoint.isWellFormed())) return undefined
  if (endpoint === undefined) {
    const decoded = decodedText(named as string)
    return decoded === undefined ? undefined : { url, endpoint: decoded }
  }
  url.pathname = `${url.pathname}/endpoints/${encodeURIComponent(endpoint)}/messages`
  return { url, endpoint }
}
