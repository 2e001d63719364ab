import type { Assertion, FieldNames, IEventSubscriber, SubscriberContext, SyncEvent } from '@x/events-core'
import type { Transaction } from 'kysely'
import { EventEngineError, shown } from '../errors.ts'
import { createArgumentAssertion, createOptionAssertion } from '../util/assert.ts'
import { atOnce, compileFilter, type EventFilter } from './event-filter.ts'

/**
 * Handles events in batches, inside a transaction that also moves the position: its writes with `trx` happen exactly once
 * for each event, also over crashes.
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
   * Prepares a batch before the transaction begins, for slow work and reads of the database: on SQLite, a transaction holds
   * the only connection. Its result is `context.prepared` of the call that follows. An error counts as a failed try. When
   * the call that follows throws an `EventEngineError` with the code `preparation_outdated`, it is rolled back and the
   * events are prepared once more.
   */
  prepare?(events: readonly SyncEvent[], context: SubscriberContext): unknown
  /**
   * Handles some events, at least one, in the order of the log. An error rolls everything back. Then the events come again
   * one by one, so that a single bad one does not hold up the others.
   */
  entitiesChanged(events: readonly SyncEvent[], context: BatchContext<DB>): void | Promise<void>
}

/** The context of one call of a batch subscriber. */
export interface BatchContext<DB = unknown> extends SubscriberContext {
  /**
   * The transaction that also commits the position; on PostgreSQL at the level `read committed`, even where the database
   * has another default. The subscriber must not commit it. Where it fails because of another transaction (a serialization
   * failure, a deadlock, a lock that is not free in time), the events come again; up to ten times in a row this counts as
   * no failed try.
   */
  readonly trx: Transaction<DB>
  /** The result of `prepare`; undefined without one. */
  readonly prepared: unknown
  /**
   * Calls a function right after the commit, and not when the transaction is rolled back. It is a hint for this process
   * alone: a crash, or a commit whose response is lost, leaves it out.
   */
  afterCommit(callback: () => void): void
}

/** Either kind of subscriber. */
export type EventSubscriber<DB = unknown> = IEventSubscriber | IBatchEventSubscriber<DB>

/** The options of `engine.subscribe`. */
export interface SubscribeOptions {
  /** The name under which the position is stored; unique within the engine, and stable over releases. */
  readonly name: string
  /**
   * `durable`: one node at a time handles each event, at least once, from a stored position.
   * `broadcast`: every node handles each event from the time it started; errors are logged.
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
   * Durable only. How an event is treated after its last try: it is parked and the subscription continues, or it blocks the
   * subscription until a person resumes it.
   * @defaultValue 'park'
   */
  readonly onExhausted?: 'park' | 'block' | undefined
  /**
   * Longest time for one call, in milliseconds.
   * @defaultValue 30000
   */
  readonly timeoutMs?: number | undefined
  /**
   * Durable only. Where a subscription that is not stored yet begins: at the end of the log, with the oldest event that is
   * kept, or at a position that the log has given out.
   * @defaultValue 'now'
   */
  readonly from?: 'now' | 'start' | { readonly position: string } | undefined
  /**
   * Durable only. Most events of one page, and of one batch.
   * @defaultValue 100
   */
  readonly batchSize?: number | undefined
  /**
   * Durable only, not for batches. How many events are handled at the same time. Those of one partition (see `orderBy`) are
   * still handled one after the other.
   * @defaultValue 1
   */
  readonly concurrency?: number | undefined
  /**
   * Durable only, not for batches. The partition key: events of the same tenant, of the same entity, or with the same key of
   * your own are handled one after the other. A failing event holds up its own partition alone.
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
  /** Broadcast only: whether it has no listener just now, so that no event needs to be read. */
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
  /** The partition key of an event. */
  readonly partitionKeyOf: (event: SyncEvent) => string
}

const assertOption: Assertion = createArgumentAssertion('subscribe', 'invalid_option')

const OPTIONS: FieldNames<SubscribeOptions> = {
  name: true,
  mode: true,
  filter: true,
  retry: true,
  onExhausted: true,
  timeoutMs: true,
  from: true,
  batchSize: true,
  concurrency: true,
  orderBy: true,
}
const RETRY: FieldNames<RetryOptions> = { maxAttempts: true, firstDelayMs: true, maxDelayMs: true }

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
  } = assertOption.fields('', options, OPTIONS)
  const isName = typeof name === 'string' && NAME.test(name)
  assertOption(isName, 'name', 'letters, digits and _.:-, at most 100', name)
  assertOption.oneOf('mode', mode, ['durable', 'broadcast'])
  assertOption.oneOf('onExhausted', onExhausted, ['park', 'block'])
  const fromFits = from === 'now' || from === 'start' || typeof from?.position === 'string'
  assertOption(fromFits, 'from', "'now', 'start' or { position }", from)
  assertOption.integer('timeoutMs', timeoutMs, 1)
  assertOption.integer('batchSize', batchSize, 1, 10_000)
  assertOption.integer('concurrency', concurrency, 1, 1_000)
  const partitionKeyOf = partitionKeyOption(options.orderBy, concurrency)
  const isSubscriber = isBatchSubscriber(subscriber) || typeof subscriber?.entityChanged === 'function'
  assertOption(isSubscriber, 'subscriber', 'an object with entityChanged or entitiesChanged', subscriber)
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
    partitionKeyOf,
  })
}

function partitionKeyOption(
  orderBy: SubscribeOptions['orderBy'],
  concurrency: number,
): (event: SyncEvent) => string {
  if (typeof orderBy === 'function') return (event) => keyOf(orderBy(event))
  if (orderBy === 'tenant') return (event) => String(event.tenantId)
  const byEntity = (event: SyncEvent) => `${event.tenantId} ${event.entityName} ${event.entityId}`
  if (orderBy === undefined) return concurrency === 1 ? () => '' : byEntity
  assertOption(orderBy === 'entity', 'orderBy', "'tenant', 'entity' or a function", orderBy)
  return byEntity
}

function keyOf(given: unknown): string {
  const key = atOnce('options.orderBy', given)
  if (typeof key === 'string') return key
  if (typeof key === 'number' || typeof key === 'bigint') return String(key)
  throw new EventEngineError('invalid_option', `options.orderBy has to give a text; got ${shown(key)}.`)
}

/** Whether a subscriber takes events in batches. */
export function isBatchSubscriber<DB>(
  subscriber: EventSubscriber<DB>,
): subscriber is IBatchEventSubscriber<DB> {
  return typeof (subscriber as IBatchEventSubscriber<DB> | undefined)?.entitiesChanged === 'function'
}

/** How often, and after which pauses, a failing event is retried. */
export interface RetryOptions {
  /**
   * Tries altogether, the first one included.
   * @defaultValue 10
   */
  readonly maxAttempts?: number | undefined
  /**
   * Pause before the first retry, in milliseconds; each further one is twice as long.
   * @defaultValue 100
   */
  readonly firstDelayMs?: number | undefined
  /**
   * Longest pause, in milliseconds: at most 2147483647, 24 days.
   * @defaultValue 30000
   */
  readonly maxDelayMs?: number | undefined
}

export interface RetryPolicy {
  readonly maxAttempts: number
  /** Milliseconds to wait after so many failed tries; between half and the whole of the doubled pause. */
  delayMs(failedAttempts: number): number
}

const assertRetry: Assertion = createOptionAssertion('subscribe')
/** Every pause has reached its maximum by then. Without a bound, it could be Infinity times 0. */
const MAX_DOUBLINGS = 100

/** @throws EventEngineError `invalid_option` */
export function createRetryPolicy(options?: RetryOptions, random: () => number = Math.random): RetryPolicy {
  const {
    maxAttempts = 10,
    firstDelayMs = 100,
    maxDelayMs = 30_000,
  } = assertRetry.fields('retry', options, RETRY)
  assertRetry.integer('retry.maxAttempts', maxAttempts, 1)
  assertRetry.integer('retry.firstDelayMs', firstDelayMs, 0)
  assertRetry.integer('retry.maxDelayMs', maxDelayMs, firstDelayMs)
  return {
    maxAttempts,
    delayMs(failedAttempts) {
      const pause = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(failedAttempts - 1, MAX_DOUBLINGS))
      return pause / 2 + (pause / 2) * random()
    },
  }
}
