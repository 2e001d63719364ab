import type { IEventSubscriber, SubscriberContext, SyncEvent } from '@x/events-core'
import type { Transaction } from 'kysely'
import { EventEngineError, shown } from '../errors.ts'
import { compileFilter, type EventFilter } from './event-filter.ts'
import { createRetryPolicy, type RetryOptions, type RetryPolicy } from './retry-policy.ts'

/**
 * Hears of events in batches, inside a transaction that also moves the subscription on: what it
 * writes with `trx` happens exactly once for each event, whatever crashes.
 *
 * @example
 * ```ts
 * import type { IBatchEventSubscriber } from '@x/events-engine'
 *
 * interface Tables {
 *   audit: { event_id: string }
 * }
 *
 * const audit: IBatchEventSubscriber<Tables> = {
 *   async entitiesChanged(events, { trx }) {
 *     await trx.insertInto('audit').values(events.map(({ id }) => ({ event_id: id }))).execute()
 *   },
 * }
 * ```
 */
export interface IBatchEventSubscriber<DB = unknown> {
  /**
   * Called before the transaction is begun, for what takes its time or reads the database by itself: on SQLite, a
   * transaction holds the only connection. What it gives is `context.prepared` of the call that follows. Throwing
   * counts as a failed try. When the call that follows throws an `EventEngineError` with the code
   * `preparation_outdated`, it is rolled back and the events are prepared once more.
   */
  prepare?(events: readonly SyncEvent[], context: SubscriberContext): unknown
  /**
   * Handles some events, at least one, in log order. Throwing rolls everything back; the events come
   * again, one by one, so that a single bad one cannot hold up the others for ever.
   */
  entitiesChanged(events: readonly SyncEvent[], context: BatchContext<DB>): void | Promise<void>
}

/** What surrounds one call of a batch subscriber. */
export interface BatchContext<DB = unknown> extends SubscriberContext {
  /**
   * The transaction that the position is committed in; on PostgreSQL at the level `read committed`, whatever
   * the database's default is. It must not be committed by the subscriber. Where it has to give way to
   * another one (a serialization failure, a deadlock, a lock that is not free in time), the events come
   * again, and that is no failed try, ten times in a row.
   */
  readonly trx: Transaction<DB>
  /** What `prepare` gave; undefined without one. */
  readonly prepared: unknown
  /**
   * Has a function called right after the commit, and never when there is none. A hint for what goes on in this process:
   * a crash, or a commit whose answer is lost, leaves it out.
   */
  afterCommit(callback: () => void): void
}

/** Either kind of subscriber. */
export type EventSubscriber<DB = unknown> = IEventSubscriber | IBatchEventSubscriber<DB>

/** How a subscriber wants its events. */
export interface SubscribeOptions {
  /** The name under which the position is stored; unique within the engine, and stable over releases. */
  readonly name: string
  /**
   * `durable`: each event is handled at least once, by one node at a time, from a stored position.
   * `broadcast`: every node sees each event from the time it started; errors are logged.
   */
  readonly mode: 'durable' | 'broadcast'
  /**
   * Event types or patterns (`File.*`, `*.Delete`), or a function that decides.
   * @defaultValue every event
   */
  readonly filter?: EventFilter | undefined
  /** Durable only. */
  readonly retry?: RetryOptions | undefined
  /**
   * Durable only. What happens to an event after its last try: it is parked and the subscription
   * goes on, or the subscription stands still until a person resumes it.
   * @defaultValue 'park'
   */
  readonly onExhausted?: 'park' | 'block' | undefined
  /**
   * Longest time for one call, in milliseconds.
   * @defaultValue 30000
   */
  readonly timeoutMs?: number | undefined
  /**
   * Durable only. Where a subscription that is not stored yet begins: after what is committed
   * already, with the oldest event that is kept, or at a position that the log has given out.
   * @defaultValue 'now'
   */
  readonly from?: 'now' | 'start' | { readonly position: string } | undefined
  /**
   * Durable only. Most events read, or handed to a batch subscriber, at once.
   * @defaultValue 100
   */
  readonly batchSize?: number | undefined
  /**
   * Durable only, not for batches. How many events are handled at the same time. Those of one key
   * (see `orderBy`) are still handled one after the other.
   * @defaultValue 1
   */
  readonly concurrency?: number | undefined
  /**
   * Durable only, not for batches. What keeps events in order: those of the same tenant, of the same
   * entity, or with the same key of your own. A failing event then holds up its own key alone.
   * @defaultValue the whole log with `concurrency: 1`, else 'entity'
   */
  readonly orderBy?: 'tenant' | 'entity' | ((event: SyncEvent) => string) | undefined
}

/** A subscription with its options resolved. */
export interface Subscription<DB> {
  readonly name: string
  readonly mode: 'durable' | 'broadcast'
  readonly subscriber: EventSubscriber<DB>
  readonly wants: (event: SyncEvent) => boolean
  /** Broadcast only: whether nobody would hear of an event just now, so that none needs to be read. */
  readonly isIdle?: () => boolean
  /** Whether each call gets a service scope, where the host has services. */
  readonly scoped: boolean
  /** Whether its calls are traced and counted. */
  readonly observed: boolean
  readonly retry: RetryPolicy
  readonly onExhausted: 'park' | 'block'
  readonly timeoutMs: number
  readonly from: 'now' | 'start' | { readonly position: string }
  readonly batchSize: number
  readonly concurrency: number
  /** The key of the lane that an event is handled in. */
  readonly laneOf: (event: SyncEvent) => string
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}$/

/** @throws EventEngineError `invalid_option` */
export function resolveSubscription<DB>(
  subscriber: EventSubscriber<DB>,
  options: SubscribeOptions,
): Subscription<DB> {
  const {
    name,
    mode,
    onExhausted = 'park',
    timeoutMs = 30_000,
    from = 'now',
    batchSize = 100,
    concurrency = 1,
  } = options
  refuseUnless(
    typeof name === 'string' && NAME.test(name),
    'name',
    'letters, digits and _.:-, at most 100',
    name,
  )
  refuseUnless(mode === 'durable' || mode === 'broadcast', 'mode', "'durable' or 'broadcast'", mode)
  refuseUnless(
    onExhausted === 'park' || onExhausted === 'block',
    'onExhausted',
    "'park' or 'block'",
    onExhausted,
  )
  const fromFits = from === 'now' || from === 'start' || typeof from?.position === 'string'
  refuseUnless(fromFits, 'from', "'now', 'start' or { position }", from)
  refuseUnless(isPositive(timeoutMs, 2 ** 31 - 1), 'timeoutMs', 'an integer from 1 to 2147483647', timeoutMs)
  refuseUnless(isPositive(batchSize, 10_000), 'batchSize', 'an integer from 1 to 10000', batchSize)
  refuseUnless(isPositive(concurrency, 1_000), 'concurrency', 'an integer from 1 to 1000', concurrency)
  const laneOf = laneOfOption(options.orderBy, concurrency)
  const known = isBatchSubscriber(subscriber) || typeof subscriber?.entityChanged === 'function'
  refuseUnless(known, 'subscriber', 'an object with entityChanged or entitiesChanged', subscriber)
  if (mode === 'broadcast' && isBatchSubscriber(subscriber)) {
    throw new EventEngineError(
      'invalid_option',
      `subscribe: ${shown(name)} handles batches, which need a stored position; use mode 'durable'.`,
    )
  }
  const wants = compileFilter(options.filter)
  const retry = createRetryPolicy(options.retry)
  return Object.freeze({
    name,
    mode,
    subscriber,
    wants,
    scoped: true,
    observed: true,
    retry,
    onExhausted,
    timeoutMs,
    from,
    batchSize,
    concurrency,
    laneOf,
  })
}

function laneOfOption(
  orderBy: SubscribeOptions['orderBy'],
  concurrency: number,
): (event: SyncEvent) => string {
  if (typeof orderBy === 'function') return orderBy
  if (orderBy === 'tenant') return (event) => String(event.tenantId)
  const byEntity = (event: SyncEvent) => `${event.tenantId} ${event.entityName} ${event.entityId}`
  if (orderBy === undefined) return concurrency === 1 ? () => '' : byEntity
  refuseUnless(orderBy === 'entity', 'orderBy', "'tenant', 'entity' or a function", orderBy)
  return byEntity
}

/** Whether a subscriber takes events in batches. */
export function isBatchSubscriber<DB>(
  subscriber: EventSubscriber<DB>,
): subscriber is IBatchEventSubscriber<DB> {
  return typeof (subscriber as IBatchEventSubscriber<DB> | undefined)?.entitiesChanged === 'function'
}

function isPositive(value: number, maximum: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= maximum
}

function refuseUnless(fits: boolean, name: string, expected: string, value: unknown): void {
  if (fits) return
  throw new EventEngineError('invalid_option', `subscribe: ${name} must be ${expected}; got ${shown(value)}.`)
}
