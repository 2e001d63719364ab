import { matchesEventType } from '@x/events-core'
import type { SqlExecutor } from '@x/events-engine/internal'
import { isTestEvent } from '../ids.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { WindowedDelivery } from '../store/windows.ts'
import type { JobProgress, JobRow } from './job.ts'

const AT_ONCE = 500

/** Whether a type is in the job's selection; all are where the job names none. */
export function isWantedType(eventTypes: readonly string[] | undefined, eventType: string): boolean {
  return eventTypes === undefined || eventTypes.some((pattern) => matchesEventType(pattern, eventType))
}

/** Whether a time lies in the job's time range. */
export function isWantedTime({ since, until }: JobRow['options'], time: number): boolean {
  return time >= (since ?? Number.NEGATIVE_INFINITY) && time < (until ?? Number.POSITIVE_INFINITY)
}

/** Cancels or sends again the next of an endpoint's deliveries; the job ends with the last of them. */
export async function changeMany(
  store: DeliveryStore,
  trx: SqlExecutor,
  job: JobRow,
  now: number,
): Promise<JobProgress> {
  const { endpointKey, kind, cursor, total } = job
  const rows = await store.readWindow(trx, {
    endpointKey,
    after: cursor.message,
    upto: cursor.lastMessage,
    state: kind === 'recover' ? 'exhausted' : undefined,
    limit: AT_ONCE,
  })
  const keys = rows.filter((row) => isWanted(job, row)).map(({ messageKey }) => messageKey)
  // What is sent again is stored from then on.
  if (kind !== 'cancel' && keys.length > 0) await store.storeStraight(trx, endpointKey, keys)
  const change = kind === 'cancel' ? store.cancelIn : store.resendIn
  const changed = keys.length === 0 ? 0 : await change(trx, endpointKey, keys, now)
  const isLast = rows.length < AT_ONCE
  const isEnd = isLast && cursor.log === undefined && cursor.stored === undefined
  return {
    state: isEnd ? 'succeeded' : 'running',
    cursor: { ...cursor, message: isLast ? cursor.lastMessage : (rows.at(-1)?.messageKey ?? 0) },
    done: isEnd ? total : Math.min(total, job.done + rows.length),
    affected: job.affected + changed,
    errorMessage: null,
  }
}

function isWanted(
  { kind, options }: JobRow,
  { state, createdOn, eventId, eventType }: WindowedDelivery,
): boolean {
  if (!isWantedTime(options, createdOn) || !isWantedType(options.eventTypes, eventType)) return false
  if (kind === 'cancel') return state === 'pending'
  if (kind === 'recover') return state === 'exhausted'
  // What is pending is sent anyway, and what is read is there anyway.
  if (state === 'pending' || state === 'pull' || isTestEvent(eventId) || options.include === 'missing')
    return false
  return state !== 'succeeded' || options.include !== 'unsuccessful'
}
