import { type Clock, type Logger, silentLogger, systemClock, type TenantSite } from '@x/events-core'
import { SyncClientError } from './errors.ts'
import { parseSiteKey } from './site-key.ts'

/** As much of `fetch` as the client calls; the platform's own fits, and so does a wrapper around it. */
export type SyncFetch = (url: string, init: SyncFetchInit) => Promise<SyncFetchResponse>

/** What the client hands to {@link SyncFetch}. */
export interface SyncFetchInit {
  readonly headers: Record<string, string>
  readonly cache: 'no-store'
  readonly signal: AbortSignal
}

/** As much of a `Response` as the client reads. */
export interface SyncFetchResponse {
  readonly ok: boolean
  readonly status: number
  readonly headers: { get(name: string): string | null }
  text(): Promise<string>
}

/** Request headers by name. */
export type SyncHeaders = Readonly<Record<string, string>>

/** What {@link createSyncClient} takes. */
export interface SyncClientOptions {
  /** The sync API, without the date: `https://www.example.com/api/Sync`; in browsers also `/api/Sync`. */
  readonly url: string | URL
  /**
   * `tenantId:siteId`. With it, listeners hear only of events of this site, of all sites of its
   * tenant, and of all tenants.
   *
   * @defaultValue everything that the server answers
   */
  readonly siteKey?: string | undefined
  /**
   * The date that the state already shown was read at, so that no event between then and the first
   * poll is missed.
   *
   * @defaultValue the server's present, with nothing to catch up on
   */
  readonly lastSyncDate?: Date | undefined
  /** From an answer to the next question. @defaultValue 10_000 */
  readonly pollIntervalMs?: number | undefined
  /** From a question to the end of its answer. @defaultValue 10_000 */
  readonly requestTimeoutMs?: number | undefined
  /** Upper bound of the wait after a first failure; it doubles with each further one. @defaultValue 1_000 */
  readonly retryBaseMs?: number | undefined
  /** Where that bound stops doubling. @defaultValue 60_000 */
  readonly retryMaxMs?: number | undefined
  /**
   * Sent with each request; a function is called before each, so that it can renew a token.
   *
   * @defaultValue none besides `accept`
   */
  readonly headers?: SyncHeaders | (() => SyncHeaders | Promise<SyncHeaders>) | undefined
  /** Sends the requests; wrap the platform's to add `credentials`. @defaultValue `globalThis.fetch` */
  readonly fetch?: SyncFetch | undefined
  /** @defaultValue the machine's clock */
  readonly clock?: Clock | undefined
  /** Hears of failed polls (`warn`) and failed listeners (`error`). @defaultValue silent */
  readonly logger?: Logger | undefined
}

/** {@link SyncClientOptions}, checked and complete. */
export interface SyncClientSettings {
  readonly url: string
  readonly site: TenantSite | undefined
  readonly lastSyncDate: Date | undefined
  readonly pollIntervalMs: number
  readonly requestTimeoutMs: number
  readonly retryBaseMs: number
  readonly retryMaxMs: number
  readonly headers: () => SyncHeaders | Promise<SyncHeaders>
  readonly fetch: SyncFetch
  readonly clock: Clock
  readonly logger: Logger
}

/** Beyond this, timers of browsers and Node fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** @throws {@link SyncClientError} `invalid_option`. */
export function resolveSyncClientOptions(options: SyncClientOptions): SyncClientSettings {
  const { lastSyncDate, siteKey } = options
  const site = parseSiteKey(siteKey)
  if (siteKey !== undefined && !site) throw invalid('siteKey', 'tenantId:siteId, as in "1:7"', siteKey)
  if (lastSyncDate !== undefined && !isDate(lastSyncDate)) {
    throw invalid('lastSyncDate', 'a valid Date; leave it out for the present', lastSyncDate)
  }
  if (options.fetch !== undefined && typeof options.fetch !== 'function') {
    throw invalid('fetch', 'a function like globalThis.fetch', options.fetch)
  }
  const retryBaseMs = milliseconds('retryBaseMs', options.retryBaseMs, 1_000)
  const retryMaxMs = milliseconds('retryMaxMs', options.retryMaxMs, Math.max(60_000, retryBaseMs))
  if (retryMaxMs < retryBaseMs)
    throw invalid('retryMaxMs', `retryBaseMs (${retryBaseMs}) or more`, retryMaxMs)
  return Object.freeze({
    url: resolveUrl(options.url),
    site,
    lastSyncDate: lastSyncDate && new Date(lastSyncDate),
    pollIntervalMs: milliseconds('pollIntervalMs', options.pollIntervalMs, 10_000),
    requestTimeoutMs: milliseconds('requestTimeoutMs', options.requestTimeoutMs, 10_000),
    retryBaseMs,
    retryMaxMs,
    headers: resolveHeaders(options.headers),
    // Looked up at each call, so that whoever instruments fetch later is not bypassed.
    fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
  })
}

function resolveUrl(given: string | URL): string {
  const base = typeof location === 'undefined' ? undefined : location.href
  const text = String(given ?? '')
  const url = text !== '' && URL.canParse(text, base) ? new URL(text, base) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw invalid('url', 'an http(s) URL, absolute outside of browsers', given)
  }
  if (url.username || url.password) {
    // The value is a secret, so that the message does not repeat it.
    throw invalid('url', 'without user name and password; send them by the headers option', url.host)
  }
  if (url.search || url.hash)
    throw invalid('url', 'without query and fragment: a date is appended to it', text)
  return url.href.replace(/\/+$/, '')
}

function resolveHeaders(given: SyncClientOptions['headers']): SyncClientSettings['headers'] {
  if (typeof given === 'function') return given
  const headers = Object.freeze({ ...given })
  try {
    new Headers(headers)
  } catch {
    // Names only: values tend to be tokens.
    throw invalid('headers', 'valid header names with printable values', Object.keys(headers))
  }
  return () => headers
}

function milliseconds(name: string, given: number | undefined, defaultMs: number): number {
  if (given === undefined) return defaultMs
  if (Number.isInteger(given) && given >= 1 && given <= LONGEST_TIMER_MS) return given
  throw invalid(name, `a whole number from 1 to ${LONGEST_TIMER_MS}`, given)
}

function isDate(value: unknown): boolean {
  return value instanceof Date && value.getUTCFullYear() >= 1 && value.getUTCFullYear() <= 9999
}

function invalid(name: string, remedy: string, value: unknown): SyncClientError {
  const got = typeof value === 'string' || Array.isArray(value) ? JSON.stringify(value) : String(value)
  return new SyncClientError(
    'invalid_option',
    `createSyncClient: options.${name} must be ${remedy}; got ${got}`,
  )
}
