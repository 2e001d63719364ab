import {
  type Clock,
  isPlainObject,
  isStorableDate,
  type Logger,
  systemClock,
  type TenantSite,
} from '@x/events-core'
import { assertOptions, hasMethods, invalidOption, isFunction, type Rule, type Rules } from './assert.ts'
import type { Cursor } from './cursor.ts'
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

const CALL = 'createSyncClient'
const milliseconds: Rule = [
  `a whole number from 1 to ${LONGEST_TIMER_MS}`,
  (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= LONGEST_TIMER_MS,
]
const RULES: Rules<SyncClientOptions> = {
  url: ['an http(s) URL, absolute outside of browsers, without password, query and fragment', () => true],
  siteKey: ['tenantId:siteId, as in "1:7"', parseSiteKey],
  lastSyncDate: ['a valid Date', isStorableDate],
  transport: ["'auto' or 'polling'", (value) => value === 'auto' || value === 'polling'],
  tabs: hasMethods('share'),
  silenceMs: milliseconds,
  streamRetryMs: milliseconds,
  pollIntervalMs: milliseconds,
  requestTimeoutMs: milliseconds,
  retryBaseMs: milliseconds,
  retryMaxMs: milliseconds,
  // Of `Headers`, no member would be found.
  headers: ['a plain object or a function', (value) => isFunction(value) || isPlainObject(value)],
  fetch: ['a function', isFunction],
  clock: hasMethods('now', 'schedule'),
  logger: hasMethods('warn', 'error'),
}

/** @throws {@link SyncClientError} `invalid_option`. */
export function resolveSyncClientOptions(options: SyncClientOptions): SyncClientSettings {
  assertOptions(CALL, options, RULES)
  const { siteKey, lastSyncDate, url, headers, fetch } = options
  const { clock = systemClock, transport = 'auto', logger, tabs } = options
  const defaults = { ...DEFAULTS_MS, retryMaxMs: Math.max(60_000, options.retryBaseMs ?? 0) }
  const ms = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [name, options[name as Duration] ?? value]),
  ) as Record<Duration, number>
  const { retryBaseMs, retryMaxMs } = ms
  if (retryMaxMs < retryBaseMs) {
    throw invalidOption(CALL, 'retryMaxMs', `retryBaseMs (${retryBaseMs}) or more`, retryMaxMs)
  }
  return {
    ...ms,
    url: resolveUrl(url),
    site: parseSiteKey(siteKey),
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
  // A password is a secret, so that the message does not repeat it.
  throw invalidOption(CALL, 'url', RULES.url[0], text.replace(/\/\/.*@/, '//...@'))
}

function resolveHeaders(given: SyncClientOptions['headers'] = {}): SyncClientSettings['headers'] {
  if (typeof given === 'function') {
    return async () => {
      const headers = await given()
      if (isPlainObject(headers)) return headers
      throw invalidOption(CALL, 'headers', 'a function that gives a plain object', headers)
    }
  }
  const headers = { ...given }
  try {
    new Headers(headers)
  } catch {
    // Names only: values tend to be tokens.
    throw invalidOption(CALL, 'headers', 'valid headers', Object.keys(headers).join())
  }
  return () => headers
}
