import { WebhookVerificationError } from './errors.ts'

/** The part of the fetch `Headers` that is needed here. */
export interface FetchHeaders {
  get(name: string): string | null
}

/** Headers as frameworks hand them out: fetch `Headers`, Node's `IncomingHttpHeaders`, or a plain record in any case. */
export type WebhookHeaders = FetchHeaders | Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * What the three headers of a message are called: `webhook-id`, `webhook-timestamp` and `webhook-signature` in
 * Standard Webhooks; `svix-id` and so on from senders that use Svix.
 */
export type HeaderFamily = 'webhook' | 'svix'

/** The three headers of a webhook: present, each once, otherwise unread. */
export interface RawWebhookHeaders {
  readonly family: HeaderFamily
  readonly id: string
  readonly timestamp: string
  readonly signature: string
}

/** The value of each part, in this order; the text, or whatever else was found. */
type Found = readonly [id: unknown, timestamp: unknown, signature: unknown]

const PARTS = ['id', 'timestamp', 'signature'] as const
const NAMES = ['svix', 'webhook'].flatMap((family) => PARTS.map((part) => `${family}-${part}`))
const LENGTHS: readonly number[] = NAMES.map((name) => name.length)

const isAbsent = (value: unknown) => value === undefined || value === null || value === ''

function isFetchHeaders(headers: object): headers is FetchHeaders {
  return 'get' in headers && typeof headers.get === 'function'
}

function fromFetchHeaders(headers: FetchHeaders): unknown[] {
  return NAMES.map((name) => headers.get(name))
}

// One pass over the keys rather than six look-ups: a header that is there twice, in different
// spelling, must not be found once.
function fromRecord(headers: Readonly<Record<string, unknown>>): unknown[] {
  const values = Array<unknown>(NAMES.length)
  for (const key of Object.keys(headers)) {
    if (!LENGTHS.includes(key.length)) continue
    const index = NAMES.indexOf(key.toLowerCase())
    const given = headers[key]
    if (index < 0 || given === undefined) continue
    const value = Array.isArray(given) && given.length === 1 ? given[0] : given
    values[index] = values[index] === undefined ? value : [values[index], value]
  }
  return values
}

function take(family: HeaderFamily, found: Found): RawWebhookHeaders {
  const text = (index: 0 | 1 | 2): string => {
    const value = found[index]
    if (typeof value === 'string' && value !== '') return value
    const [code, problem] = isAbsent(value)
      ? (['missing_header', 'is missing'] as const)
      : (['invalid_header', 'must be one string'] as const)
    throw new WebhookVerificationError(code, `The header ${family}-${PARTS[index]} ${problem}.`)
  }
  return { family, id: text(0), timestamp: text(1), signature: text(2) }
}

/**
 * Reads the three headers of a webhook, all of one family: `svix-` where all three of it are there, as in Svix's own
 * library, else `webhook-`. What one family lacks is never taken from the other.
 *
 * @throws {@link WebhookVerificationError} (`missing_header`, `invalid_header`) when one is missing, or there more
 * than once.
 *
 * @example
 * ```ts
 * import { readHeaders } from '@x/signature'
 *
 * const idOf = (request: Request) => readHeaders(request.headers).id
 * ```
 */
export function readHeaders(headers: WebhookHeaders): RawWebhookHeaders {
  if (typeof headers !== 'object' || headers === null) {
    throw new WebhookVerificationError('missing_header', `Headers must be an object; got ${typeof headers}.`)
  }
  try {
    const [id, timestamp, signature, ...webhook] = isFetchHeaders(headers)
      ? fromFetchHeaders(headers)
      : fromRecord(headers)
    const svix: Found = [id, timestamp, signature]
    const standard: Found = [webhook[0], webhook[1], webhook[2]]
    // Where neither is whole, the one that there is a part of is the one to complain about.
    const isSvix = !svix.some(isAbsent) || (!svix.every(isAbsent) && standard.every(isAbsent))
    return isSvix ? take('svix', svix) : take('webhook', standard)
  } catch (error) {
    if (WebhookVerificationError.is(error)) throw error
    throw new WebhookVerificationError('invalid_header', 'The headers cannot be read.', { cause: error })
  }
}
