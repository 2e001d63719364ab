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
  if (typeof only === 'string' && only !== '') return only
  const isMissing = (only ?? '') === ''
  throw new WebhookVerificationError(
    isMissing ? 'missing_header' : 'invalid_header',
    `The header ${name} ${isMissing ? 'is missing' : 'must be one string'}.`,
  )
}

function isFetchHeaders(headers: object): headers is FetchHeaders {
  return 'get' in headers && typeof headers.get === 'function'
}

type Found = Readonly<Record<keyof RawWebhookHeaders, unknown>>

function fromFetchHeaders(headers: FetchHeaders): Found {
  return { id: headers.get(ID), timestamp: headers.get(TIMESTAMP), signature: headers.get(SIGNATURE) }
}

const once = (found: unknown, value: unknown) => (found === undefined ? value : [found, value])

// One pass over the keys rather than three look-ups: a header that is there twice, in different
// spelling, must not be found once.
function fromRecord(headers: Readonly<Record<string, unknown>>): Found {
  let id: unknown
  let timestamp: unknown
  let signature: unknown
  for (const key of Object.keys(headers)) {
    if (key.length !== ID.length && key.length !== TIMESTAMP.length) continue
    const value = headers[key]
    if (value === undefined) continue
    const name = key.toLowerCase()
    if (name === ID) id = once(id, value)
    else if (name === TIMESTAMP) timestamp = once(timestamp, value)
    else if (name === SIGNATURE) signature = once(signature, value)
  }
  return { id, timestamp, signature }
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
    const found = isFetchHeaders(headers) ? fromFetchHeaders(headers) : fromRecord(headers)
    return {
      id: single(ID, found.id),
      timestamp: single(TIMESTAMP, found.timestamp),
      signature: single(SIGNATURE, found.signature),
    }
  } catch (error) {
    if (WebhookVerificationError.is(error)) throw error
    throw new WebhookVerificationError('invalid_header', 'The headers cannot be read.', { cause: error })
  }
}
