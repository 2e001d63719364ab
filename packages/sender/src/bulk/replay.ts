import { ALL_TENANTS, createSyncEvent, eventTypeOf, type Logger, type SyncEvent } from '@x/events-core'
import type { IBatchEventSubscriber } from '@x/events-engine'
import { type HandledLog, isInterruption, type SqlExecutor } from '@x/events-engine/internal'
import type { Transaction } from 'kysely'
import type { EndpointFilterRow } from '../endpoints/fields.ts'
import { WebhookSenderError } from '../errors.ts'
import type { ContentMatcher } from '../fan-out/content-matcher.ts'
import { createEndpointMatcher } from '../fan-out/fan-out.ts'
import { isTestEvent } from '../ids.ts'
import { storedPayload } from '../messages/message.ts'
import { isOperational } from '../operational-events.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { StoredMessage } from '../store/windows.ts'
import { isWantedTime, isWantedType } from './change.ts'
import type { JobProgress, JobRow } from './job.ts'

/** What {@link createLogReplay} works with. */
export interface LogReplayParts<DB> {
  readonly store: DeliveryStore
  readonly log: HandledLog
  readonly logger: Logger
  readonly fanOutTo: FanOutToOne<DB>
}

/** A prepared step, to be run in a transaction. */
export type PreparedStep = (trx: SqlExecutor) => Promise<JobProgress>

/** How many events one step takes; `skip` leaves out one that no message can be composed from. */
export type StepSize = 'many' | 'one' | 'skip'

const EVENTS_AT_ONCE = 250

/** Creates the replay of events in the log that an endpoint has no delivery of. They pass the ordinary fan-out. */
export function createLogReplay<DB>({ store, log, logger, fanOutTo }: LogReplayParts<DB>) {
  /** @returns the step. Slow work, such as rendering, is done before its transaction. */
  async function prepare(job: JobRow, size: StepSize): Promise<PreparedStep> {
    const { endpointKey, tenantId, options, cursor } = job
    const { after, last, position } = cursor.log as NonNullable<typeof cursor.log>
    const page = await log.read({ position, after, tenantId, limit: size === 'many' ? EVENTS_AT_ONCE : 1 })
    const wanted = page.events.filter(
      (event) =>
        isWantedTime(options, event.modifiedOn.getTime()) &&
        isWantedType(options.eventTypes, eventTypeOf(event)),
    )
    const missing = size === 'skip' ? [] : await withoutThoseHad(undefined, endpointKey, wanted)
    const { subscriber, storedCount } = fanOutTo(endpointKey)
    // The runner wakes the worker after the commit.
    const context = { signal: new AbortController().signal, attempt: 1, afterCommit: () => {} }
    const prepared = missing.length === 0 ? undefined : await subscriber.prepare?.(missing, context)
    const next = Math.min(page.last ?? last, last)

    return async (trx) => {
      // Another replay may have stored the same deliveries.
      const still = await withoutThoseHad(trx, endpointKey, missing)
      if (still.length > 0) {
        await subscriber.entitiesChanged(still, { ...context, trx: trx as Transaction<DB>, prepared })
      }
      const isLast = next >= last
      return {
        state: isLast ? 'succeeded' : 'running',
        cursor: { ...cursor, log: { after: next, last, position } },
        done: isLast ? job.total : Math.min(job.total, job.done + next - after),
        affected: job.affected + storedCount(),
        errorMessage: null,
      }
    }
  }

  async function withoutThoseHad(
    trx: SqlExecutor | undefined,
    endpointKey: number,
    events: readonly SyncEvent[],
  ): Promise<readonly SyncEvent[]> {
    if (events.length === 0) return events
    const found = await store.findFannedOut(trx, events, endpointKey)
    const had = new Set(found.map(({ eventId }) => eventId))
    return events.filter(({ id }) => !had.has(id))
  }

  /** Runs a step. Where many events fail together, it takes one, and leaves that one out where it fails alone. */
  return async function step<TResult>(
    job: JobRow,
    make: (prepared: PreparedStep) => Promise<TResult>,
  ): Promise<TResult> {
    try {
      return await make(await prepare(job, 'many'))
    } catch (error) {
      logger.debug({ err: error, job: job.id }, 'A step of a replay failed; its events are taken one by one')
    }
    try {
      return await make(await prepare(job, 'one'))
    } catch (error) {
      // A failing database is no reason to leave an event out.
      if (isInterruption(error) || !WebhookSenderError.is(error) || error.code === 'not_migrated') throw error
      logger.warn(
        { err: error, job: job.id },
        'An event that no message can be composed from was left out of a replay',
      )
    }
    return make(await prepare(job, 'skip'))
  }
}

/** Whether an endpoint receives messages of a variant. */
export type AcceptsVariant = (endpoint: EndpointFilterRow, variant: string | null) => boolean

/** What {@link replayStored} is about. */
export interface StoredReplay {
  readonly job: JobRow
  readonly now: number
  readonly accepts: AcceptsVariant
  readonly contents: ContentMatcher
}

const MESSAGES_AT_ONCE = 500
/** Bodies may be large. */
const BODIES_AT_ONCE = 25

/**
 * Gives an endpoint messages that were stored for other endpoints, for events that the log has since deleted. The same
 * conditions decide as in the fan-out.
 */
export async function replayStored(
  store: DeliveryStore,
  trx: SqlExecutor,
  { job, now, accepts, contents }: StoredReplay,
): Promise<JobProgress> {
  const { cursor, endpointKey, options } = job
  const { after, last, raisedBefore } = cursor.stored as NonNullable<typeof cursor.stored>
  const rows = await store.readMessages(trx, { after, upto: last, limit: MESSAGES_AT_ONCE })
  const next = rows.length < MESSAGES_AT_ONCE ? last : (rows.at(-1)?.key ?? last)
  const endpoint = (await store.readFilters(trx)).find(({ key }) => key === endpointKey)
  const wanted = rows.filter(
    (row) =>
      raisedOn(row) < (raisedBefore ?? Number.POSITIVE_INFINITY) &&
      isWantedTime(options, row.createdOn) &&
      isWantedType(options.eventTypes, row.eventType) &&
      endpoint !== undefined &&
      accepts(endpoint, row.variant) &&
      mayHave(endpoint, row),
  )
  const had = new Set(
    await store.findEventsHad(
      trx,
      endpointKey,
      wanted.map(({ eventId }) => eventId),
    ),
  )
  const missing = wanted.filter(({ eventId }) => {
    if (had.has(eventId)) return false
    // An endpoint with a sequence may have got the message stored anew.
    had.add(eventId)
    return true
  })
  const added = await withContent(store, trx, endpoint, { rows: missing, contents })
  if (endpoint && added.length > 0) await addMessages(store, trx, endpoint, { rows: added, now })
  const isEnd = next >= last && cursor.log === undefined
  return {
    state: isEnd ? 'succeeded' : 'running',
    cursor: { ...cursor, stored: { after: next, last, raisedBefore } },
    done: isEnd ? job.total : Math.min(job.total, job.done + next - after),
    affected: job.affected + added.length,
    errorMessage: null,
  }
}

/**
 * Gives an endpoint messages that are stored. One with a sequence gets them stored anew, so that keys ascend with the
 * numbers.
 */
async function addMessages(
  store: DeliveryStore,
  trx: SqlExecutor,
  endpoint: EndpointFilterRow,
  { rows, now }: { readonly rows: readonly StoredMessage[]; readonly now: number },
): Promise<void> {
  const { key: endpointKey, sequence: isSequenced, isPull } = endpoint
  const orderingKey = isPull ? null : orderingKeyOf(endpoint)
  if (!isSequenced) {
    const deliveries = rows.map(({ key, createdOn }) => ({ messageKey: key, createdOn, orderingKey }))
    await store.addDeliveries(trx, endpointKey, deliveries, now)
    return
  }
  for (let begin = 0; begin < rows.length; begin += BODIES_AT_ONCE) {
    const some = rows.slice(begin, begin + BODIES_AT_ONCE)
    const bodies = await store.readBodies(
      trx,
      some.map(({ key }) => key),
    )
    const messages = some.flatMap(({ key, createdOn: _, ...message }) => {
      const content = bodies.get(key)
      if (!content) return []
      const targets = [{ endpointKey, orderingKey, dueOn: now, isSequenced, isPull }]
      return [{ ...message, ...content, traceparent: null, targets }]
    })
    await store.storeMessages(trx, messages, now)
  }
}

/** Those that the endpoint's content filter lets through. */
async function withContent(
  store: DeliveryStore,
  trx: SqlExecutor,
  endpoint: EndpointFilterRow | undefined,
  { rows, contents }: { readonly rows: readonly StoredMessage[]; readonly contents: ContentMatcher },
): Promise<readonly StoredMessage[]> {
  if (!endpoint || endpoint.filter === null) return rows
  const matching: StoredMessage[] = []
  for (let begin = 0; begin < rows.length; begin += BODIES_AT_ONCE) {
    const some = rows.slice(begin, begin + BODIES_AT_ONCE)
    const bodies = await store.readBodies(
      trx,
      some.map(({ key }) => key),
    )
    for (const row of some) {
      const message = bodies.get(row.key)
      if (message && contents.matches(endpoint, row.eventId, storedPayload(message, row))) matching.push(row)
    }
  }
  return matching
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
  // Events about endpoints are not replayed.
  if (isTestEvent(eventId) || isOperational({ entityName })) return false
  const parts = { id: eventId, tenantId, siteId, entityName, entityId: '', action, modifiedOn: new Date(0) }
  return createEndpointMatcher([filter]).match(createSyncEvent(parts), eventType).length > 0
}

/** The event is deleted, and its ordering key with it. One key for all keeps every order. */
function orderingKeyOf({ ordering, tenantId }: EndpointFilterRow): string | null {
  if (ordering === 'none') return null
  return ordering !== 'fifo' && ordering.by === 'tenant' ? String(tenantId) : ''
}

/** Creates a fan-out to one endpoint that counts its deliveries. */
export type FanOutToOne<DB> = (endpointKey: number) => {
  readonly subscriber: IBatchEventSubscriber<DB>
  storedCount(): number
}

/**
 * The ordinary fan-out, on a store that has one endpoint only.
 *
 * @param create - creates the fan-out on a store.
 */
export function createFanOutToOne<DB>(
  store: DeliveryStore,
  create: (store: DeliveryStore) => IBatchEventSubscriber<DB>,
): FanOutToOne<DB> {
  return (endpointKey) => {
    let count = 0
    const subscriber = create({
      ...store,
      readFilters: async (executor) =>
        (await store.readFilters(executor)).filter(({ key }) => key === endpointKey),
      storeMessages(executor, messages, now) {
        // A transaction that is repeated counts anew.
        count = messages.reduce((sum, { targets }) => sum + targets.length, 0)
        return store.storeMessages(executor, messages, now)
      },
    })
    return { subscriber, storedCount: () => count }
  }
}
