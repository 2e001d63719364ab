import type { SqlExecutor } from '@x/events-engine/support'
import type { Transaction } from 'kysely'
import type { ClockStore } from './clock.ts'
import type { RecordedResults, ResultBatch } from './deliveries/attempt-result.ts'
import type { AttemptErrorCode, DeliveryState } from './deliveries/delivery.ts'
import type { DeliveryKey, DeliveryRow } from './deliveries/delivery-row.ts'
import type { LaneKey, SweptPage } from './maintenance/repair.ts'
import type { Message } from './messages/message.ts'
import type { BulkStore } from './store/change.ts'
import type { countStore } from './store/counts.ts'
import type { endpointStore } from './store/endpoints.ts'
import type { leaseStore } from './store/leases.ts'
import type { endpointStateStore } from './store/queue.ts'
import type { secretStore } from './store/secrets.ts'
import type { statisticsStore } from './store/statistics.ts'
import type { tenantStore } from './store/tenants.ts'
import type { windowStore } from './store/windows.ts'

/** Whom a message goes to, and how. */
export interface MessageTarget {
  readonly endpointKey: number
  /** Deliveries of one lane follow each other; null for one that is in none. */
  readonly lane: string | null
  /** When its first attempt is due, if it need not wait for another delivery of its lane. */
  readonly dueOn: number
}

/** A rendered message, and whom it goes to. */
export interface MessageToStore {
  readonly eventId: string
  readonly eventType: string
  /** The event's, by which it is decided whether an endpoint may have it later. */
  readonly tenantId: number
  readonly siteId: number
  /** The form it is in; null for the usual one. Of one event, there is one message of each. */
  readonly variant: string | null
  readonly body: string
  /** Instead of the usual content type, name and value in turn; null for the usual one. */
  readonly headers: readonly string[] | null
  /** The trace that its attempts belong to; null where there is none. */
  readonly traceparent: string | null
  readonly targets: readonly MessageTarget[]
}

/** Why nothing is sent that a person has asked for. */
export type NotSent = 'disabled' | 'deleted' | 'not_found'

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
  extends BulkStore,
    ReturnType<typeof windowStore>,
    ReturnType<typeof statisticsStore>,
    ReturnType<typeof tenantStore>,
    ReturnType<typeof leaseStore>,
    ClockStore,
    ReturnType<typeof endpointStore>,
    ReturnType<typeof secretStore>,
    ReturnType<typeof endpointStateStore>,
    ReturnType<typeof countStore> {
  /**
   * Stores messages and their deliveries. In a lane, one delivery at most is due at a time: the first
   * that is pending. The others are pending without a due time, until {@link DeliveryStore.recordAttempts}
   * has recorded the end of the one before.
   *
   * @returns the keys of the messages, in their order.
   */
  storeMessages(executor: SqlExecutor, messages: readonly MessageToStore[], now: number): Promise<number[]>
  /** A message for one endpoint alone, in a transaction of its own, to be attempted as {@link DeliveryStore.resend} says. */
  storeTestMessage(
    message: Omit<MessageToStore, 'targets'>,
    endpointKey: number,
    now: number,
  ): Promise<NotSent | DeliveryKey>

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

  // Reconciliation: finds what contradicts the rest of this, and mends it, a page at a time.
  /** @returns true for one node in each such stretch of time. */
  takeReconciliation(everyMs: number): Promise<boolean>
  /** Of endpoints with something pending, behind this one. */
  reconcileEndpoints(after: number, limit: number): Promise<SweptPage<number>>
  /** Of lanes with something pending, behind this one. */
  reconcileLanes(after: LaneKey, limit: number): Promise<SweptPage<LaneKey>>

  // For people.
  listDeliveries(filter: DeliveryFilter): Promise<DeliveryRow[]>
  findDelivery(key: DeliveryKey): Promise<DeliveryRow | undefined>
  readMessage(messageKey: number): Promise<Message>
  readAttempts(key: DeliveryKey): Promise<AttemptRow[]>
  /**
   * Makes a delivery due now because a person wants it, ahead of all else, whatever its lane and the endpoint's pause; one
   * that had come to rest begins its schedule anew.
   */
  resend(key: DeliveryKey, now: number): Promise<NotSent | undefined>
  /**
   * Ends a pending delivery without success; the next of its lane becomes due. What comes of an attempt
   * under way is still recorded: success counts.
   *
   * @returns false when it was not pending.
   */
  cancel(key: DeliveryKey, now: number): Promise<boolean>
}
