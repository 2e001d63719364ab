import { formatSyncDate, type Sync } from '@x/events-core'
import { breakable } from './breakable.ts'
import { SyncClientError } from './errors.ts'
import type { SyncClientSettings } from './options.ts'
import { parseSync } from './parse-sync.ts'
import { request } from './request.ts'

/** The first date there is: it asks for the present sync date, with nothing to catch up on. */
const MINIMUM_SYNC_DATE = '00010101000000000'

/**
 * Asks once what happened since a date.
 *
 * @throws {@link SyncClientError}, the reason of `signal`, or the error that kept the request from being sent.
 */
export function fetchSync(
  settings: SyncClientSettings,
  lastSyncDate: Date | undefined,
  outer: AbortSignal,
): Promise<Sync> {
  const { clock, requestTimeoutMs } = settings
  const date = lastSyncDate ? formatSyncDate(lastSyncDate) : MINIMUM_SYNC_DATE
  let cancelTimer = () => {}
  return breakable(outer, async (signal, breakOff) => {
    cancelTimer = clock.schedule(
      () =>
        breakOff(new SyncClientError('timeout', `No answer within requestTimeoutMs (${requestTimeoutMs})`)),
      requestTimeoutMs,
    )
    const response = await request(settings, `/${date}`, { accept: 'application/json' }, signal)
    return parseSync(await response.text())
  }).finally(() => cancelTimer())
}
