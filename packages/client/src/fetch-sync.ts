import { formatSyncDate, type Sync } from '@x/events-core'
import { withDeadline } from './deadline.ts'
import { SyncClientError } from './errors.ts'
import type { SyncClientSettings, SyncFetchResponse } from './options.ts'
import { parseSync } from './parse-sync.ts'
import { retryAfterMs } from './retry-after.ts'

/** The first date there is: it asks for the present sync date, with nothing to catch up on. */
const MINIMUM_SYNC_DATE = '00010101000000000'

/**
 * Asks once what happened since a date.
 *
 * @throws {@link SyncClientError}, or the reason of `signal`.
 */
export function fetchSync(
  settings: SyncClientSettings,
  lastSyncDate: Date | undefined,
  signal: AbortSignal,
): Promise<Sync> {
  const date = lastSyncDate === undefined ? MINIMUM_SYNC_DATE : formatSyncDate(lastSyncDate)
  const { clock, requestTimeoutMs } = settings
  return withDeadline({ clock, requestTimeoutMs, signal }, async (signal) => {
    const response = await answering(() => send(settings, `${settings.url}/${date}`, signal))
    if (!response.ok) throw refused(response, clock.now())
    return parseSync(await answering(() => response.text()))
  })
}

async function send(settings: SyncClientSettings, url: string, signal: AbortSignal) {
  // Taken out of the settings: a browser's own fetch refuses to be called as another object's method.
  const { fetch } = settings
  const headers = await settings.headers()
  // Asked again with the same date, a cache would answer what it answered before.
  return fetch(url, { headers: withAccept(headers), cache: 'no-store', signal })
}

function withAccept(headers: Readonly<Record<string, string>>): Record<string, string> {
  const given = Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), value])
  return Object.fromEntries([['accept', 'application/json'], ...given])
}

async function answering<TResult>(step: () => Promise<TResult>): Promise<TResult> {
  try {
    return await step()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SyncClientError('request_failed', `The sync API could not be asked: ${reason}`, { cause })
  }
}

function refused({ status, headers }: SyncFetchResponse, now: number): SyncClientError {
  const remedy = status === 401 || status === 403 ? '; check the headers option' : ''
  return new SyncClientError('http_status', `The sync API answered ${status}${remedy}`, {
    httpStatus: status,
    retryAfterMs: retryAfterMs(headers.get('retry-after'), now),
  })
}
