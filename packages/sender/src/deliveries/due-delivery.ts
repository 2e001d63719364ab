import type { AttemptResult } from './attempt-result.ts'
import type { DeliveryKey, DeliveryLink } from './delivery-row.ts'

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
  readonly orderingKey: string | null
  /** A person has asked for it: it is attempted at once, whatever else waits. */
  readonly manual: boolean
  /** Null where its endpoint had no sequence when it was stored. */
  readonly link: DeliveryLink | null
  /** What to call about it while it is not stored; undefined once it is. */
  readonly straight?: StraightHooks | undefined
}

/** What is due, as it is found: a large body is not read with it. */
export interface FoundDelivery extends Omit<DueDelivery, 'body'> {
  readonly body: Buffer | UnreadBody
}

/** The bytes of a body that was not read. */
export interface UnreadBody {
  readonly length: number
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
