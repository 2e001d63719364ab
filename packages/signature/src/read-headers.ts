import { WebhookVerificationError } from './errors.ts'

/** The part of the fetch `Headers` that is needed here. */
export interface FetchHeaders {
  get(name: string): string | null
}

/** Headers as frameworks hand them out: fetch `Headers`, Node's `IncomingHttpHeaders`, or a plain record in any case. */
export type WebhookHeaders = FetchHeaders | Readonly<Record<string, string | readonly string[] | undefined>>

/** The three headers of a webhook: present, each once, otherwise unread. */
export interface RawWebhookHeaders {
  readonly id: string
  readonly timestamp: string
  readonly signature: string
}

const ID = 'webhook-id'
const TIMESTAMP = 'webhook-timestamp'
const SIGNATURE = 'webhook-signature'

function single(name: string, value: unknown): string {
  const only = Array.isArray(value) && value.length === 1 ? value[0] : value
  if (typeof only === 'string') return only
  throw new WebhookVerificationError('invalid_header', `The header ${name} must be one string.`)
}

function present(name: string, value: string | undefined): string {
  if (value) return value
  throw new WebhookVerificationError('missing_header', `The header ${name} is missing.`)
}

function isFetchHeaders(headers: object): headers is FetchHeaders {
  return 'get' in headers && typeof headers.get === 'function'
}

function fromFetchHeaders(headers: FetchHeaders): RawWebhookHeaders {
  const read = (name: string) => {
    const value: unknown = headers.get(name)
    return present(name, value === null || value === undefined ? undefined : single(name, value))
  }
  return { id: read(ID), timestamp: read(TIMESTAMP), signature: read(SIGNATURE) }
}

// One pass over the keys rather than three look-ups: a header that is there twice, in different
// spelling, must not be found once.
function fromRecord(headers: Readonly<Record<string, unknown>>): RawWebhookHeaders {
  let id: string | undefined
  let timestamp: string | undefined
  let signature: string | undefined
  const once = (name: string, found: string | undefined, value: unknown) => {
    if (found === undefined) return single(name, value)
    throw new WebhookVerificationError('invalid_header', `The header ${name} is there more than once.`)
  }
  for (const key of Object.keys(headers)) {
    if (key.length !== ID.length && key.length !== TIMESTAMP.length) continue
    const value = headers[key]
    if (value === undefined) continue
    const name = key.toLowerCase()
    if (name === ID) id = once(name, id, value)
    else if (name === TIMESTAMP) timestamp = once(name, timestamp, value)
    else if (name === SIGNATURE) signature = once(name, signature, value)
  }
  return {
    id: present(ID, id),
    timestamp: present(TIMESTAMP, timestamp),
    signature: present(SIGNATURE, signature),
  }
}

/**
 * Reads the three headers of a webhook.
 *
 * @throws {@link WebhookVerificationError} when one is missing, or there more than once.
 */
export function readHeaders(headers: WebhookHeaders): RawWebhookHeaders {
  if (typeof headers !== 'object' || headers === null) {
    throw new WebhookVerificationError('missing_header', `Headers must be an object; got ${typeof headers}.`)
  }
  try {
    return isFetchHeaders(headers) ? fromFetchHeaders(headers) : fromRecord(headers)
  } catch (error) {
    if (WebhookVerificationError.is(error)) throw error
    throw new WebhookVerificationError('invalid_header', 'The headers cannot be read.', { cause: error })
  }
}
