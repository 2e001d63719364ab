import type { SqlExecutor } from '@x/events-engine/internal'
import { sourceOf } from '../deliveries/find-deliveries.ts'
import {
  type CheckedFilter,
  createFilterTest,
  isImpossible,
  type StoredFilter,
} from '../deliveries/read-filter.ts'
import type { DeliveryStore } from '../store/store.ts'
import { changeSome } from './change.ts'
import type { JobCursor, JobProgress, JobRow } from './job.ts'

const AT_ONCE = 500

/** The filter of a job. */
function filterOf(tenantId: number, stored: StoredFilter): CheckedFilter {
  return { ...NOTHING, ...stored, tenantId }
}

const NOTHING: Omit<CheckedFilter, 'tenantId'> = {
  endpointId: undefined,
  url: undefined,
  eventId: undefined,
  eventType: undefined,
  states: undefined,
  status: undefined,
  errorCode: undefined,
  hasFailedAttempts: undefined,
  createdAfter: undefined,
  createdBefore: undefined,
}

/** Where a job with a filter begins, and about how many deliveries it has to check. */
export async function rangeOfFilter(
  store: DeliveryStore,
  filter: CheckedFilter,
): Promise<{ readonly cursor: JobCursor; readonly total: number }> {
  if (isImpossible(filter)) {
    const nothing = { message: 0, lastMessage: 0, endpoint: { key: 0, first: 1 } }
    return { cursor: nothing, total: 0 }
  }
  const { createdAfter: since, createdBefore: until, eventId } = filter
  const ofTime = await store.messageRange({ since, until })
  let first = ofTime.first
  let last = Math.min(ofTime.end - 1, await store.lastMessage())
  if (eventId !== undefined) {
    const keys = (await store.deliveriesOfEvent(filter, eventId)).map(({ messageKey }) => messageKey)
    first = Math.max(first, keys.at(-1) ?? Number.MAX_SAFE_INTEGER)
    last = Math.min(last, keys[0] ?? 0)
  }
  const cursor = { message: first - 1, lastMessage: last, endpoint: { key: 0, first } }
  return { cursor, total: await store.countDeliveries(sourceOf(filter), filter, { first, last }) }
}

/** Cancels or sends again what a filter lets through: some of one endpoint at a time, the oldest first. */
export async function changeFiltered(
  store: DeliveryStore,
  trx: SqlExecutor,
  job: JobRow,
  now: number,
): Promise<JobProgress> {
  const { cursor, kind } = job
  const filter = filterOf(job.tenantId, job.options.filter ?? {})
  const source = sourceOf(filter)
  const { key, first } = cursor.endpoint ?? { key: 0, first: 0 }
  const isBetween = cursor.message >= cursor.lastMessage || key === 0
  const messages = { first, last: cursor.lastMessage }
  const endpointKey = isBetween
    ? await store.nextEndpoint(trx, source, filter, { ...messages, after: key })
    : key
  const { total, affected } = job
  if (endpointKey === undefined) {
    return { state: 'succeeded', cursor, done: total, affected, errorMessage: null }
  }
  const state = await store.lockEndpoint(trx, endpointKey)
  const isOpen = kind === 'cancel' ? state !== 'deleted' : state === 'enabled'
  const after = isBetween ? first - 1 : cursor.message
  const read = isOpen
    ? await store.oldestDeliveries(trx, source, { endpointKey, after, upto: messages.last, limit: AT_ONCE })
    : []
  const isWanted = createFilterTest(filter)
  const keys = read.flatMap(({ row, messageKey }) =>
    row && row.state !== 'pull' && isWanted(row) ? [messageKey] : [],
  )
  const changed = await changeSome(store, trx, { kind, endpointKey, keys, now })
  const looked = read.filter(({ messageKey }) => messageKey <= changed.upto)
  const isLast = looked.length === read.length && read.length < AT_ONCE
  const last = isLast ? messages.last : (looked.at(-1)?.messageKey ?? messages.last)
  return {
    state: 'running',
    cursor: { ...cursor, message: last, endpoint: { key: endpointKey, first } },
    done: Math.min(total, job.done + looked.length),
    affected: affected + changed.count,
    errorMessage: null,
  }
}
