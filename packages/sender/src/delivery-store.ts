import type { SqlExecutor } from '@x/events-engine/internal'
import type { Transaction } from 'kysely'
import type { AttemptResult, RecordedResults, ResultBatch } from './deliveries/attempt-result.ts'
import type { AttemptErrorCode, DeliveryState } from './deliveries/delivery.ts'
import type { DeliveryKey, DeliveryRow } from './deliveries/delivery-row.ts'
import type { Message } from './messages/message.ts'
import type { changeStore } from './store/change.ts'
import type { clockStore } from './store/clock.ts'
import type { countStore } from './store/counts.ts'
import type { endpointStore } from './store/endpoints.ts'
import type { leaseStore } from './store/leases.ts'
import type { MessageToStore } from './store/message.ts'
import type { endpointStateStore } from './store/queue.ts'
import type { reconcileStore } from './store/reconcile.ts'
import type { secretStore } from './store/secrets.ts'
import type { statisticsStore } from './store/statistics.ts'
import type { StraightStore } from './store/straight.ts'
import type { tenantStore } from './store/tenants.ts'
import type { windowStore } from './store/windows.ts'

export type { MessageTarget, MessageToStore, NotSent } from './store/message.ts'

/** What the worker needs to make one attempt. */
export interface DueDelivery extends DeliveryKey {
  readonly eventId: string
  readonly body: Buffer
  readonly headers: readonly string[] | null
  readonly traceparent: string | null
  /** Attempts until now. */
  readonly attemptCount: number
  /** Attempts of the current run through the schedule. */
  readonly step: number
  readonly dueOn: number
  readonly lane: string | null
  /** A person has asked for it: it is attempted at once, whatever else waits. */
  readonly manual: boolean
  /** What is to be told of it while it is not stored; undefined once it is. */
  readonly straight?: StraightHooks | undefined
}

/** What a delivery that is not stored is watched by. */
export interface StraightHooks {
  /** Whether its attempt has begun. */
  hasBegun: boolean
  /**
   * Its attempt has ended.
   *
   * @param isPlain - a success that changes nothing about its endpoint.
   */
  ended(result: AttemptResult, isPlain: boolean): void
}

/** A delivery that is sent before it is stored. Its key is negative until it is. */
export interface StraightDelivery extends Omit<DueDelivery, 'messageKey' | 'straight'> {
  messageKey: number
  straight: StraightHooks | undefined
  /** Of the lease that it is sent under. */
  epoch: number
}

/** An attempt as it is stored. */
export interface AttemptRow {
  readonly number: number
  readonly startedOn: number
  readonly durationMs: number
  readonly url: string
  readonly signature: string
  readonly status: number | null
  readonly errorCode: AttemptErrorCode | null
  readonly errorMessage: string | null
  readonly responseBody: string | null
}

/** Which deliveries to list. */
export interface DeliveryFilter {
  readonly tenantId: number
  readonly endpointId: string | undefined
  readonly state: DeliveryState | undefined
  readonly eventType: string | undefined
  /** Inclusive. */
  readonly createdAfter: number | undefined
  /** Exclusive. */
  readonly createdBefore: number | undefined
  readonly before: DeliveryKey | undefined
  readonly limit: number
}

/** Everything the sender asks of a database. One implementation for each dialect. */
export interface DeliveryStore
  extends ReturnType<typeof changeStore>,
    ReturnType<typeof reconcileStore>,
    ReturnType<typeof windowStore>,
    ReturnType<typeof statisticsStore>,
    ReturnType<typeof tenantStore>,
    ReturnType<typeof leaseStore>,
    ReturnType<typeof clockStore>,
    ReturnType<typeof endpointStore>,
    ReturnType<typeof secretStore>,
    ReturnType<typeof endpointStateStore>,
    ReturnType<typeof countStore>,
    StraightStore {
  /**
   * Stores messages and their deliveries. In a lane, one delivery at most is due at a time: the first
   * that is pending. The others are pending without a due time, until {@link DeliveryStore.recordAttempts}
   * has recorded the end of the one before.
   *
   * @returns the keys of the messages, in their order.
   */
  storeMessages(executor: SqlExecutor, messages: readonly MessageToStore[], now: number): Promise<number[]>
  // Delivery.
  /** What people have asked for, of each endpoint at most so much; what is known already is passed over, mostly. */
  manualDeliveries(
    endpointKeys: readonly number[],
    known: readonly DeliveryKey[],
    limitEach: number,
  ): Promise<DueDelivery[]>
  /**
   * What else is due of each endpoint, at most so much of what was never attempted, and as much of what was;
   * what is known already is passed over, mostly.
   */
  nextDeliveries(
    endpointKeys: readonly number[],
    known: readonly DeliveryKey[],
    limitEach: number,
  ): Promise<DueDelivery[]>
  /**
   * In one transaction: the attempts, what became of the deliveries, that the next of their lanes are
   * due, how the endpoints do, and which are disabled.
   *
   * @param tell - called inside of the transaction when there is something for the host to hear of.
   */
  recordAttempts(
    batch: ResultBatch,
    tell: (trx: Transaction<unknown>, recorded: RecordedResults) => Promise<void>,
  ): Promise<void>
  /** Makes endpoints due when their first pending delivery is, and their pause is over, whatever was noted before. */
  settleQueue(endpointKeys: readonly number[]): Promise<void>

  /**
   * Deletes messages from before a time, with their deliveries, unless one of those still waits.
   *
   * @param after - the message to go on after; 0 to begin.
   * @param limit - at most so many are looked at.
   * @returns the last one that was looked at; undefined when there was none.
   */
  purge(createdBefore: number, after: number, limit: number): Promise<number | undefined>

  // For people.
  listDeliveries(filter: DeliveryFilter): Promise<DeliveryRow[]>
  findDelivery(key: DeliveryKey): Promise<DeliveryRow | undefined>
  readMessage(messageKey: number): Promise<Message>
  readAttempts(key: DeliveryKey): Promise<AttemptRow[]>
}
