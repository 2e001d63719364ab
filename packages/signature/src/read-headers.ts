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
  if (only === undefined || only === null || only === '') {
    throw new WebhookVerificationError('missing_header', `The header ${name} is missing.`)
  }
  if (typeof only === 'string') return only
  throw new WebhookVerificationError('invalid_header', `The header ${name} must be one string.`)
}

function isFetchHeaders(headers: object): headers is FetchHeaders {
  return 'get' in headers && typeof headers.get === 'function'
}

// One pass over the keys rather than three look-ups: a header that is there twice, in different
// spelling, must not be found once.
function lookUpIn(headers: Readonly<Record<string, unknown>>): (name: string) => unknown {
  let id: unknown
  let timestamp: unknown
  let signature: unknown
  const once = (found: unknown, value: unknown) => (found === undefined ? value : [found, value])
  for (const key of Object.keys(headers)) {
    if (key.length !== ID.length && key.length !== TIMESTAMP.length) continue
    const value = headers[key]
    const name = key.toLowerCase()
    if (value === undefined) continue
    if (name === ID) id = once(id, value)
    else if (name === TIMESTAMP) timestamp = once(timestamp, value)
    else if (name === SIGNATURE) signature = once(signature, value)
  }
  return (name) => (name === ID ? id : name === TIMESTAMP ? timestamp : signature)
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
    const valueNamed = isFetchHeaders(headers) ? (name: string) => headers.get(name) : lookUpIn(headers)
    const read = (name: string) => single(name, valueNamed(name))
    return { id: read(ID), timestamp: read(TIMESTAMP), signature: read(SIGNATURE) }
  } catch (error) {
    if (WebhookVerificationError.is(error)) throw error
    throw new WebhookVerificationError('invalid_header', 'The headers cannot be read.', { cause: error })
  }
}
