import type { AttemptErrorCode } from '../deliveries/attempt-error-code.ts'
import type { DisabledReason } from './endpoint.ts'

/**
 * Why no attempt is made for a while: attempts have failed in a row, the consumer has asked for it (`Retry-After`), the
 * sender has faults of its own, or the endpoint's `rateLimit` is used up.
 */
export type PauseCause = 'failures' | 'retry_after' | 'sender_fault' | 'rate_limit'

/** A failed attempt, as an endpoint remembers it. */
export interface EndpointFailure {
  /** When it ended. */
  readonly on: Date
  readonly errorCode: AttemptErrorCode
  /** The status of the response; absent where there was none. */
  readonly status?: number
}

/** Why an endpoint gets no attempt for a while. */
export interface EndpointPause {
  readonly until: Date
  /**
   * `failures`: attempts have failed in a row (the circuit breaker is open). `retry_after`: its consumer has asked for it.
   * `sender_fault`: the sender has faults of its own, such as a network that is down. `rate_limit`: its `rateLimit` is used up.
   */
  readonly cause: PauseCause
  /** The failures in a row that have led to it, the oldest first: the newest five at most. */
  readonly failures: readonly EndpointFailure[]
}

/**
 * How an endpoint does. `healthy`: its latest attempt has succeeded, or it had none. `failing`: its latest attempt has failed, and the
 * next is made in its turn. `paused`: it gets no attempt for a while, since it fails. `disabled`: it gets none until it is enabled.
 */
export type EndpointHealthState = 'healthy' | 'failing' | 'paused' | 'disabled'

/** How an endpoint does, and what waits for it. */
export interface EndpointHealth {
  readonly endpointId: string
  readonly state: EndpointHealthState
  /** Since when no attempt has succeeded; absent while they do. */
  readonly failingSince?: Date
  /** When it will be disabled if nothing succeeds until then; absent unless it fails and is enabled. */
  readonly disablesOn?: Date
  /** The newest five failures at most, the oldest first; those before the latest success included. */
  readonly failures: readonly EndpointFailure[]
  /** Absent unless it is paused now; one of cause `rate_limit` is no bad sign. */
  readonly pause?: EndpointPause
  readonly disabledOn?: Date
  readonly disabledReason?: DisabledReason
  /** How many deliveries are pending; at most 1,000 are counted. */
  readonly waiting: number
  /** Whether there are more than `waiting`. */
  readonly waitingCapped: boolean
  /** When the oldest of those counted was created; absent where none waits. */
  readonly oldestWaitingOn?: Date
  /** When the next attempt is due, now or later; absent where none waits or it is disabled. */
  readonly nextAttemptOn?: Date
}
