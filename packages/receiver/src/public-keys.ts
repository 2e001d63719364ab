import { type Assertion, type Clock, EventsError, type FieldNames, shown, systemClock } from '@x/events-core'
import { formatKey, parseSecret, WebhookKeyError } from '@x/signature'
import { assertFunction, createOptionAssertion } from './assert.ts'
import { ReceiverError } from './errors.ts'
import { parseJson } from './parse-payload.ts'
import { readRequestBody } from './read-body.ts'

/** Public keys that the sender publishes, and may replace at any time; see {@link jwks}. */
export interface PublicKeySource {
  /**
   * The keys of now, `whpk_...`.
   *
   * @throws ReceiverError (`secrets_unavailable`)
   */
  keys(): readonly string[] | Promise<readonly string[]>
  /**
   * Asked when no key fitted: looks for newer ones, unless that was done just before.
   *
   * @returns whether there are others now.
   */
  refresh(): Promise<boolean>
}

/** Options of {@link jwks}. */
export interface JwksOptions {
  /**
   * How long keys are used without asking again, where the document does not say (`cache-control: max-age`). What it says
   * counts between a minute and a day. A key that the sender has withdrawn is believed for that long.
   *
   * @defaultValue 300 (five minutes)
   */
  readonly maxAgeSeconds?: number | undefined
  /**
   * How much longer they are used while the document cannot be had.
   *
   * @defaultValue 3600 (an hour)
   */
  readonly staleSeconds?: number | undefined
  /**
   * How long a key that nobody knows, or a failure, is followed by no other request for the document.
   *
   * @defaultValue 30
   */
  readonly cooldownSeconds?: number | undefined
  /**
   * How long the document may take.
   *
   * @defaultValue 5_000
   */
  readonly timeoutMs?: number | undefined
  /**
   * Take a document over plain http, for tests and within a machine: whoever is between can give you their keys.
   *
   * @defaultValue false
   */
  readonly allowHttp?: boolean | undefined
  /**
   * Gets the document, through a proxy, say.
   *
   * @defaultValue the global `fetch`
   */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined
  /**
   * @defaultValue the machine's clock
   */
  readonly clock?: Pick<Clock, 'now'> | undefined
}

const NAMES: FieldNames<JwksOptions> = {
  maxAgeSeconds: true,
  staleSeconds: true,
  cooldownSeconds: true,
  timeoutMs: true,
  allowHttp: true,
  fetch: true,
  clock: true,
}
const assertOption: Assertion = createOptionAssertion('jwks')

const MAX_BYTES = 65_536
/** Each is tried on each message. */
const MAX_KEYS = 16
/** A failure is soon over, mostly, and keeps webhooks waiting. */
const FAILURE_COOLDOWN_MS = 5_000
const [SHORTEST_MS, LONGEST_MS] = [60_000, 86_400_000]

interface Fetched {
  readonly keys: readonly string[]
  readonly at: number
  readonly maxAgeMs: number
}

/**
 * The public keys of a sender, from the JSON Web Key Set (RFC 7517) that it publishes at `/.well-known/webhook-keys`: the
 * sender can replace them without its consumers doing anything. Keys of Ed25519 (RFC 8037) are taken, others are left
 * alone; shared secrets are never.
 *
 * The document is kept for a while, and fetched again when no key fits: at most once in `cooldownSeconds`, however many
 * requests are forged. Redirects are not followed.
 *
 * @throws EventsError (`invalid_argument`) when the URL is not https, or an option is wrong.
 *
 * @example
 * ```ts
 * import { createReceiver, jwks } from '@x/receiver'
 *
 * const receiver = createReceiver({
 *   publicKeys: jwks('https://host.example/.well-known/webhook-keys/ep_019a3f6e'),
 * })
 * ```
 */
export function jwks(url: string | URL, options: JwksOptions = {}): PublicKeySource {
  assertOption.fields('', options, NAMES)
  const { clock = systemClock, fetch: fetchUrl = fetch, timeoutMs = 5_000, allowHttp = false } = options
  assertOption.methods('clock', clock, ['now'])
  assertFunction(assertOption, 'fetch', fetchUrl)
  assertOption.integer('timeoutMs', timeoutMs, 1)
  assertOption.boolean('allowHttp', allowHttp)
  const address = checkedUrl(url, allowHttp)
  const maxAgeMs = milliseconds('maxAgeSeconds', options.maxAgeSeconds ?? 300)
  const staleMs = milliseconds('staleSeconds', options.staleSeconds ?? 3_600)
  const cooldownMs = milliseconds('cooldownSeconds', options.cooldownSeconds ?? 30)
  let known: Fetched | undefined
  let asking: Promise<Fetched> | undefined
  let failure: { readonly error: unknown } | undefined
  let askedAt = Number.NEGATIVE_INFINITY

  async function load(): Promise<Fetched> {
    try {
      const init = {
        headers: { accept: 'application/jwk-set+json, application/json' },
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      } as const
      const response = await fetchUrl(address, init)
      if (response.status !== 200) throw new Error(`It was answered with ${response.status}.`)
      const keys = keysOf(parseJson(await readRequestBody(response, MAX_BYTES)))
      known = { keys, at: clock.now(), maxAgeMs: maxAgeOf(response.headers) ?? maxAgeMs }
      failure = undefined
      return known
    } catch (cause) {
      const error = new ReceiverError(
        'secrets_unavailable',
        `The public keys could not be fetched from ${address}: ${cause instanceof Error ? cause.message : 'no reason given'}`,
        { cause },
      )
      failure = { error }
      throw error
    } finally {
      asking = undefined
    }
  }

  function ask(): Promise<Fetched> {
    askedAt = clock.now()
    asking ??= load()
    return asking
  }

  const isWithin = (ms: number) => Math.abs(clock.now() - askedAt) < ms

  async function fetched(): Promise<readonly string[]> {
    // Of a document that could not be had, the same is said for a while, without asking again.
    if (failure && !asking && isWithin(Math.min(cooldownMs, FAILURE_COOLDOWN_MS))) return older(failure.error)
    try {
      return (await ask()).keys
    } catch (error) {
      return older(error)
    }
  }

  function older(error: unknown): readonly string[] {
    if (known && Math.abs(clock.now() - known.at) < known.maxAgeMs + staleMs) return known.keys
    throw error
  }

  return {
    keys() {
      return known && Math.abs(clock.now() - known.at) < known.maxAgeMs ? known.keys : fetched()
    },
    async refresh() {
      const before = known
      // Whoever comes while somebody else is asking waits for the same.
      if (!asking && isWithin(cooldownMs)) return false
      try {
        const { keys } = await ask()
        return keys.some((key) => !before?.keys.includes(key))
      } catch {
        return false
      }
    },
  }
}

function checkedUrl(given: string | URL, allowHttp: boolean): string {
  const url = URL.canParse(String(given)) ? new URL(given) : undefined
  if (url?.protocol === 'https:' || (allowHttp && url?.protocol === 'http:')) return url.href
  throw new EventsError(
    'invalid_argument',
    `jwks: the url must begin with https://, so that nobody can put other keys in its place; got ${shown(String(given))}`,
  )
}

function milliseconds(name: string, seconds: number): number {
  assertOption(Number.isFinite(seconds) && seconds >= 0, name, 'a number of seconds, 0 or more', seconds)
  return seconds * 1_000
}

function maxAgeOf(headers: Headers): number | undefined {
  const [, seconds] = /(?:^|[\s,])max-age=(\d{1,9})/i.exec(headers.get('cache-control') ?? '') ?? []
  return seconds === undefined
    ? undefined
    : Math.min(Math.max(Number(seconds) * 1_000, SHORTEST_MS), LONGEST_MS)
}

/** The keys of a document that can be used here. */
function keysOf(document: unknown): readonly string[] {
  const { keys } = Object(document) as { readonly keys?: unknown }
  if (!Array.isArray(keys)) throw new Error('It holds no list of keys.')
  return keys
    .map(publicKeyOf)
    .filter((key) => key !== undefined)
    .slice(0, MAX_KEYS)
}

/** RFC 7517, section 5: keys that are of no use here are left out. */
function publicKeyOf(jwk: unknown): string | undefined {
  const { kty, crv, x, d, use = 'sig', alg = 'EdDSA' } = Object(jwk) as Readonly<Record<string, unknown>>
  const isOfUse =
    kty === 'OKP' && crv === 'Ed25519' && use === 'sig' && (alg === 'EdDSA' || alg === 'Ed25519')
  // A key whose private half was published proves nothing.
  if (!isOfUse || d !== undefined || typeof x !== 'string' || !/^[\w-]{43}$/.test(x)) return undefined
  try {
    return formatKey(parseSecret(`whpk_${x.replaceAll('-', '+').replaceAll('_', '/')}=`))
  } catch (error) {
    if (WebhookKeyError.is(error)) return undefined
    throw error
  }
}
