import { ALL_TENANTS, createSyncEvent } from '@x/events-core'
import type { SqlExecutor } from '@x/events-engine/support'
import type { DeliveryStore } from '../delivery-store.ts'
import { createEndpointMatcher } from '../endpoint-matcher.ts'
import type { EndpointFilterRow } from '../endpoints/fields.ts'
import { TEST_EVENT_TYPE } from '../event-types/built-in-event-types.ts'
import { isOperational } from '../operational-events.ts'
import type { StoredMessage } from '../store/windows.ts'
import { isWantedTime, isWantedType } from './change.ts'
import type { JobProgress, JobRow } from './job-row.ts'

/** Whether an endpoint gets messages of a form. */
export type AcceptsVariant = (endpoint: EndpointFilterRow, variant: string | null) => boolean

const AT_ONCE = 500

/**
 * Gives an endpoint messages that were made for others, and that it has none of: for events that the log
 * has dropped since. What decides that it may have them is what decides it in fan-out.
 */
export async function replayStored(
  store: DeliveryStore,
  trx: SqlExecutor,
  { job, now, accepts }: { readonly job: JobRow; readonly now: number; readonly accepts: AcceptsVariant },
): Promise<JobProgress> {
  const { cursor, endpointKey, options } = job
  const { after, last, raisedBefore } = cursor.stored as NonNullable<typeof cursor.stored>
  const rows = await store.readMessages(trx, { after, upto: last, limit: AT_ONCE })
  const next = rows.length < AT_ONCE ? last : (rows.at(-1)?.key ?? last)
  const filter = (await store.readFilters(trx)).find(({ key }) => key === endpointKey)
  const wanted = rows.filter(
    (row) =>
      raisedOn(row) < (raisedBefore ?? Number.POSITIVE_INFINITY) &&
      isWantedTime(options, row.createdOn) &&
      isWantedType(options.eventTypes, row.eventType) &&
      filter !== undefined &&
      accepts(filter, row.variant) &&
      mayHave(filter, row),
  )
  const had = new Set(
    await store.findEventsHad(
      trx,
      endpointKey,
      wanted.map(({ eventId }) => eventId),
    ),
  )
  const deliveries = wanted
    .filter(({ eventId }) => !had.has(eventId))
    .map((row) => ({
      messageKey: row.key,
      createdOn: row.createdOn,
      lane: laneOf(filter as EndpointFilterRow),
    }))
  if (deliveries.length > 0) await store.addDeliveries(trx, endpointKey, deliveries, now)
  const isEnd = next >= last && cursor.log === undefined
  return {
    state: isEnd ? 'succeeded' : 'running',
    cursor: { ...cursor, stored: { after: next, last, raisedBefore } },
    done: isEnd ? job.total : Math.min(job.total, job.done + next - after),
    affected: job.affected + deliveries.length,
    errorMessage: null,
  }
}

/** The time of the event, which stands in its id: a UUID version 7 (RFC 9562, 5.7). */
function raisedOn({ eventId, createdOn }: StoredMessage): number {
  const [, high = '', low = ''] = /^evt_([0-9a-f]{8})-([0-9a-f]{4})-7/.exec(eventId) ?? []
  return high === '' ? createdOn : Number.parseInt(high + low, 16)
}

function mayHave(
  filter: EndpointFilterRow,
  { eventId, eventType, tenantId, siteId }: StoredMessage,
): boolean {
  if (tenantId !== filter.tenantId && tenantId !== ALL_TENANTS) return false
  const [entityName = '', action = ''] = eventType.split('.')
  // What tells of an endpoint's own troubles is not for later.
  if (eventType === TEST_EVENT_TYPE || isOperational({ entityName })) return false
  const parts = { id: eventId, tenantId, siteId, entityName, entityId: '', action, modifiedOn: new Date(0) }
  return createEndpointMatcher([filter]).match(createSyncEvent(parts), eventType).length > 0
}

/** The event is gone, and with it what it would be ordered by: all in one lane keeps every order. */
function laneOf({ ordering, tenantId }: EndpointFilterRow): string | null {
  if (ordering === 'none') return null
  return ordering !== 'fifo' && ordering.by === 'tenant' ? String(tenantId) : ''
}
