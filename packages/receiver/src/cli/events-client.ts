import { type MessagePage, pageOf, problemOf } from '../events-page.ts'
import { type CliIo, UsageError } from './cli-io.ts'

/** Which messages to ask for. */
export interface PageQuery {
  /** Undefined: from the oldest that is left. */
  readonly after: string | undefined
  readonly limit: number
  readonly waitSeconds: number
  readonly signal: AbortSignal
}

/** Reads pages of messages. */
export interface EventsClient {
  /** Of the endpoint's messages. */
  readonly url: string
  /** @throws EventsApiError */
  read(query: PageQuery): Promise<MessagePage>
}

/** A page that was not given. */
export class EventsApiError extends Error {
  override readonly name = 'EventsApiError'
  /** Undefined where nobody has answered. */
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined

  constructor(message: string, status?: number, retryAfterMs?: number) {
    super(message)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }

  /** Whether the same request may succeed later. */
  get isPassing(): boolean {
    return this.status === undefined || this.status === 429 || this.status >= 500
  }
}

/** The options of the commands that read from an events API. */
export const clientOptions = {
  url: { type: 'string' },
  endpoint: { type: 'string' },
  key: { type: 'string' },
} as const

const MESSAGES = /\/endpoints\/[^/]+\/messages\/?$/

/** The most that an events API gives at a time. */
export const MAX_PAGE = 250

/** @throws UsageError */
export function createEventsClient(
  given: { readonly [TName in keyof typeof clientOptions]?: string | undefined },
  io: CliIo,
): EventsClient {
  const key = given.key ?? io.env['WEBHOOK_KEY'] ?? ''
  if (key === '') throw new UsageError('give --key whk_..., or set WEBHOOK_KEY')
  // What a header cannot hold would be shown by the error of whoever tries.
  if (!/^[\x21-\x7e]+$/.test(key)) throw new UsageError('the key must be the text that begins with whk_')
  const url = messagesUrl(given.url, given.endpoint)

  return {
    url: url.href,
    async read({ after, limit, waitSeconds, signal }) {
      const target = new URL(url)
      if (after !== undefined) target.searchParams.set('after', after)
      target.searchParams.set('limit', String(limit))
      if (waitSeconds > 0) target.searchParams.set('wait', String(waitSeconds))
      const headers = { authorization: `Bearer ${key}`, accept: 'application/json' }
      let response: Response
      let text: string
      try {
        response = await fetch(target, { headers, signal, redirect: 'manual' })
        text = await response.text()
      } catch (error) {
        if (signal.aborted) throw error
        const { message, cause } = error as Error
        throw new EventsApiError(
          `no response from ${url.origin}: ${cause instanceof Error ? cause.message : message}`,
        )
      }
      if (response.status !== 200) throw refusal(response, text, url)
      return pageAt(text, url)
    },
  }
}

/** @throws UsageError */
function messagesUrl(given: string | undefined, endpoint: string | undefined): URL {
  const url = given === undefined ? null : URL.parse(given)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new UsageError('give --url with the address of the events API, https://...')
  }
  const path = url.pathname.replace(/\/+$/, '')
  url.search = ''
  url.hash = ''
  if (MESSAGES.test(path)) {
    if (endpoint !== undefined) throw new UsageError('--url names an endpoint already; leave out --endpoint')
    url.pathname = path
    return url
  }
  if (endpoint === undefined) {
    throw new UsageError('give --endpoint ep_..., or a --url that ends in /endpoints/<endpoint>/messages')
  }
  url.pathname = `${path}/endpoints/${encodeURIComponent(endpoint)}/messages`
  return url
}

function refusal(response: Response, text: string, url: URL): EventsApiError {
  const { status, headers } = response
  const location = headers.get('location')
  if (status >= 300 && status < 400 && location !== null) {
    const target = URL.parse(location, url.href)?.origin ?? location
    return new EventsApiError(
      `${url.origin} answered ${status}: it is at ${target} now; give that with --url`,
      status,
    )
  }
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  const retryAfterMs = Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined
  const { detail, first } = problemOf(text)
  const hint = typeof first === 'number' ? `; the oldest that is left comes with --after ${first - 1}` : ''
  const what = typeof detail === 'string' ? `: ${detail}` : ''
  return new EventsApiError(`${url.origin} answered ${status}${what}${hint}`, status, retryAfterMs)
}

function pageAt(text: string, url: URL): MessagePage {
  const page = pageOf(text)
  if (page) return page
  // A proxy in between, or a page that wants somebody to sign in.
  throw new EventsApiError(
    `${url.origin} answered 200 with something else than messages; is it the right --url?`,
    200,
  )
}
