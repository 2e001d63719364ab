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
  const wanted = rows.filter((row) => isWanted(job, row)).map(({ messageKey }) => messageKey)
  const changed = await changeSome(store, trx, { kind, endpointKey, keys: wanted, now })
  const done = rows.filter(({ messageKey }) => messageKey <= changed.upto)
  const isLast = done.length === rows.length && rows.length < AT_ONCE
  const isEnd = isLast && cursor.log === undefined && cursor.stored === undefined
  return {
    state: isEnd ? 'succeeded' : 'running',
    cursor: { ...cursor, message: isLast ? cursor.lastMessage : (done.at(-1)?.messageKey ?? 0) },
    done: isEnd ? total : Math.min(total, job.done + done.length),
    affected: job.affected + changed.count,
    errorMessage: null,
  }
}

/** Deliveries of an endpoint, in the order of their keys. */
export interface Change {
  readonly kind: JobRow['kind']
  readonly endpointKey: number
  readonly keys: readonly number[]
  readonly now: number
}

/**
 * Cancels deliveries, or sends them again.
 *
 * @returns how many have changed, and up to which key: the rest is for another step where messages are large.
 */
export async function changeSome(
  store: DeliveryStore,
  trx: SqlExecutor,
  { kind, endpointKey, keys, now }: Change,
): Promise<{ readonly count: number; readonly upto: number }> {
  if (keys.length === 0) return { count: 0, upto: Number.POSITIVE_INFINITY }
  if (kind === 'cancel') {
    return { count: await store.cancelIn(trx, endpointKey, keys, now), upto: Number.POSITIVE_INFINITY }
  }
  // What is sent again is stored from then on.
  const upto = (await store.storeStraight(trx, endpointKey, keys)) ?? Number.POSITIVE_INFINITY
  const stored = keys.filter((key) => key <= upto)
  return { count: await store.resendIn(trx, endpointKey, stored, now), upto }
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
