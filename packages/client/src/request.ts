import { SyncClientError } from './errors.ts'
import type { SyncClientSettings, SyncFetchResponse } from './options.ts'
import { retryAfterMs } from './retry-after.ts'

/**
 * Sends a request to the sync API.
 *
 * @throws {@link SyncClientError} `http_status`, or whatever `headers` and `fetch` throw.
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
  // Asked again with the same date, a cache would answer what it answered before.
  const response = await fetch(settings.url + path, { headers: all, cache: 'no-store', signal })
  if (response.ok) return response
  const { status } = response
  const remedy = status === 401 || status === 403 ? '; check the headers option' : ''
  throw new SyncClientError('http_status', `The sync API answered ${status}${remedy}`, {
    httpStatus: status,
    retryAfterMs: retryAfterMs(response.headers.get('retry-after'), clock.now()),
  })
}
