import { SyncClientError } from './errors.ts'
import type { SyncClientSettings, SyncFetchResponse } from './options.ts'

/**
 * Sends a request to the sync API.
 *
 * @throws {@link SyncClientError} `http_status`, or the error of `headers` or `fetch`.
 */
export async function request(
  settings: SyncClientSettings,
  path: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<SyncFetchResponse> {
  // Taken out of the settings: a browser's own fetch refuses to be called as another object's method.
  const { fetch, clock } = settings
  const given = Object.entries(await settings.headers())
  const all = { ...headers, ...Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), value])) }
  // A cache would respond to the same date with the same events.
  const response = await fetch(settings.url + path, { headers: all, cache: 'no-store', signal })
  if (response.ok) return response
  const { status } = response
  const remedy = status === 401 || status === 403 ? '; check the headers option' : ''
  throw new SyncClientError('http_status', `The sync API responded with ${status}${remedy}`, {
    httpStatus: status,
    retryAfterMs: retryAfterMs(response.headers.get('retry-after'), clock.now()),
  })
}

/** A mistaken header must not silence a client for days, nor overflow a timer. */
const LONGEST_MS = 3_600_000

/**
 * Reads a `Retry-After` header, seconds or a date.
 *
 * @returns milliseconds from `now`, at most an hour; undefined without a header that can be read.
 */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  const text = header.trim()
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_MS)
}
