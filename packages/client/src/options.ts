import { type Clock, isStorableDate, type Logger, systemClock, type TenantSite } from '@x/events-core'
import type { Cursor } from './cursor.ts'
import { SyncClientError } from './errors.ts'
import { parseSiteKey } from './site-key.ts'
import type { FeedTransport, SyncTransport, SyncTransportSink } from './transport.ts'

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
  /** The stream is read from it; without it, the client polls. */
  readonly body?: ReadableStream<Uint8Array> | null
}

/** Request headers by name. */
export type SyncHeaders = Readonly<Record<string, string>>

/** How a client receives events; see {@link SyncClientOptions.transport}. */
export type SyncTransportChoice = 'auto' | 'polling'

/** What a client passes to the tabs that share its connection. */
export interface TabConnection {
  readonly settings: SyncClientSettings
  readonly cursor: Cursor
  readonly sink: SyncTransportSink
  /** Makes a connection of the client's own. */
  connect(sink: SyncTransportSink): FeedTransport
}

/** Shares one connection between tabs. Made by `shareTabs` of `@x/client/tabs`. */
export interface SyncTabs {
  /** @internal */
  share(connection: TabConnection): SyncTransport
}

/** The options of {@link createSyncClient}. */
export interface SyncClientOptions {
  /**
   * The sync API, without `/stream` and without the date: `https://www.example.com/api/Sync`; in
   * browsers also `/api/Sync`.
   */
  readonly url: string | URL
  /**
   * `tenantId:siteId`. With it, listeners get only events of this site, of all sites of its
   * tenant, and of all tenants.
   *
   * @defaultValue every event that the server sends
   */
  readonly siteKey?: string | undefined
  /**
   * The date at which the shown state was read, so that no event between then and the start is missed.
   *
   * @defaultValue the server's present, with nothing to catch up on
   */
  readonly lastSyncDate?: Date | undefined
  /**
   * `auto`: a stream of server-sent events, and polling while none can be opened. `polling`: polling only.
   *
   * @defaultValue 'auto'
   */
  readonly transport?: SyncTransportChoice | undefined
  /**
   * Shares one connection between the tabs of a browser: `shareTabs()` of `@x/client/tabs`.
   *
   * @defaultValue every tab has a connection of its own
   */
  readonly tabs?: SyncTabs | undefined
  /** A stream that is silent for so long is reopened; servers send a heartbeat every 15 s. @defaultValue 45_000 */
  readonly silenceMs?: number | undefined
  /** While polling, the time between two attempts to open a stream, give or take a half. @defaultValue 60_000 */
  readonly streamRetryMs?: number | undefined
  /** While polling, the time from a response to the next request. @defaultValue 10_000 */
  readonly pollIntervalMs?: number | undefined
  /** Limit from a request to the end of its response, or to the beginning of a stream. @defaultValue 10_000 */
  readonly requestTimeoutMs?: number | undefined
  /**
   * Upper bound of the wait after a first failure; it doubles with each further one. The `retry:` of a stream replaces
   * it.
   *
   * @defaultValue 1_000
   */
  readonly retryBaseMs?: number | undefined
  /** Greatest value of that bound. @defaultValue 60_000 */
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
  /** Logs failed polls (`warn`) and failed listeners (`error`). @defaultValue silent */
  readonly logger?: Logger | undefined
}

/** {@link SyncClientOptions}, checked and complete. */
export interface SyncClientSettings {
  readonly url: string
  readonly site: TenantSite | undefined
  readonly lastSyncDate: Date | undefined
  readonly transport: SyncTransportChoice
  readonly tabs: SyncTabs | undefined
  readonly silenceMs: number
  readonly streamRetryMs: number
  readonly pollIntervalMs: number
  readonly requestTimeoutMs: number
  readonly retryBaseMs: number
  readonly retryMaxMs: number
  readonly headers: () => SyncHeaders | Promise<SyncHeaders>
  readonly fetch: SyncFetch
  readonly clock: Clock
  readonly logger: Logger | undefined
}

const DEFAULTS_MS = {
  silenceMs: 45_000,
  streamRetryMs: 60_000,
  pollIntervalMs: 10_000,
  requestTimeoutMs: 10_000,
  retryBaseMs: 1_000,
  retryMaxMs: 60_000,
}
type Duration = keyof typeof DEFAULTS_MS

/** Beyond this, timers of browsers and Node fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** @throws {@link SyncClientError} `invalid_option`. */
export function resolveSyncClientOptions(options: SyncClientOptions): SyncClientSettings {
  const { lastSyncDate, siteKey } = options
  const site = parseSiteKey(siteKey)
  if (siteKey !== undefined && !site) throw invalid('siteKey', 'tenantId:siteId, as in "1:7"', siteKey)
  if (lastSyncDate && !isStorableDate(lastSyncDate)) {
    throw invalid('lastSyncDate', 'a valid Date', lastSyncDate)
  }
  const { url, headers, fetch, clock = systemClock, transport = 'auto', logger, tabs, ...given } = options
  const ms = Object.fromEntries(
    Object.entries({ ...DEFAULTS_MS, retryMaxMs: Math.max(60_000, options.retryBaseMs ?? 0) }).map(
      ([name, value]) => [name, milliseconds(name, given[name as Duration], value)],
    ),
  ) as Record<Duration, number>
  const { retryBaseMs } = ms
  if (ms.retryMaxMs < retryBaseMs) {
    throw invalid('retryMaxMs', `retryBaseMs (${retryBaseMs}) or more`, ms.retryMaxMs)
  }
  return {
    ...ms,
    url: resolveUrl(url),
    site,
    lastSyncDate: lastSyncDate && new Date(lastSyncDate),
    transport,
    tabs,
    clock,
    logger,
    headers: resolveHeaders(headers),
    // Looked up at each call, so that instrumentation which replaces fetch later is not bypassed.
    fetch: fetch ?? ((url, init) => globalThis.fetch(url, init)),
  }
}

function resolveUrl(given: string | URL): string {
  const base = typeof location === 'undefined' ? undefined : location.href
  const text = String(given ?? '')
  const url = text !== '' && URL.canParse(text, base) ? new URL(text, base) : undefined
  if (url && /^https?:/.test(url.href) && !url.username && !url.password && !url.search && !url.hash) {
    return url.href.replace(/(\/stream)?\/*$/, '')
  }
  const remedy = 'an http(s) URL, absolute outside of browsers, without password, query and fragment'
  // A password is a secret, so that the message does not repeat it.
  throw invalid('url', remedy, text.replace(/\/\/.*@/, '//...@'))
}

function resolveHeaders(given: SyncClientOptions['headers']): SyncClientSettings['headers'] {
  if (typeof given === 'function') return given
  const headers = { ...given }
  try {
    new Headers(headers)
  } catch {
    // Names only: values tend to be tokens.
    throw invalid('headers', 'valid headers', Object.keys(headers))
  }
  return () => headers
}

function milliseconds(name: string, given: number | undefined, defaultMs: number): number {
  if (given === undefined) return defaultMs
  if (Number.isInteger(given) && given >= 1 && given <= LONGEST_TIMER_MS) return given
  throw invalid(name, `a whole number from 1 to ${LONGEST_TIMER_MS}`, given)
}

function invalid(name: string, remedy: string, value: unknown): SyncClientError {
  const got = typeof value === 'string' ? JSON.stringify(value) : value
  return new SyncClientError(
    'invalid_option',
    `createSyncClient: options.${name} must be ${remedy}; got ${got}`,
  )
}
