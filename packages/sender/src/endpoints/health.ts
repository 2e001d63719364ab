import type { Clock } from '@x/events-core'
import {
  type CircuitPolicy,
  type FailureMark,
  type PauseCause,
  shownCircuit,
} from '../deliver/circuit-breaker.ts'
import type { AttemptErrorCode } from '../deliveries/delivery.ts'
import { type EndpointBacklog, type EndpointStanding, MAX_WAITING } from '../store/health.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { DisabledReason } from './endpoint.ts'

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

/** What {@link createEndpointHealth} works with. */
export interface EndpointHealthParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  readonly circuitPolicy: CircuitPolicy
}

/** Reads how endpoints do, by their keys: of many at once, in two statements. */
export type ReadEndpointHealth = (
  endpointKeys: readonly number[],
) => Promise<ReadonlyMap<number, EndpointHealth>>

/** Creates what tells how endpoints do. */
export function createEndpointHealth({
  store,
  clock,
  circuitPolicy,
}: EndpointHealthParts): ReadEndpointHealth {
  return async (endpointKeys) => {
    if (endpointKeys.length === 0) return new Map()
    const standings = await store.endpointStandings(endpointKeys)
    const backlogs = await store.endpointBacklogs(endpointKeys)
    const now = clock.now()
    const healthOf = (standing: EndpointStanding) =>
      endpointHealthOf(standing, backlogs.get(standing.key) ?? NO_BACKLOG, circuitPolicy, now)
    return new Map([...standings].map(([key, standing]) => [key, healthOf(standing)]))
  }
}

const NO_BACKLOG: EndpointBacklog = { waiting: 0, oldestOn: null, dueOn: null }

function endpointHealthOf(
  standing: EndpointStanding,
  { waiting, oldestOn, dueOn }: EndpointBacklog,
  policy: CircuitPolicy,
  now: number,
): EndpointHealth {
  const { id, enabled, disabledOn, disabledReason } = standing
  const { failingSince, disablesOn, failures } = shownCircuit(standing, policy, now)
  const pause = enabled ? pauseOf(standing, policy, now) : undefined
  const isPaused = pause !== undefined && pause.cause !== 'rate_limit'
  const counted = Math.min(waiting, MAX_WAITING)
  return {
    endpointId: id,
    state: !enabled ? 'disabled' : isPaused ? 'paused' : failingSince === null ? 'healthy' : 'failing',
    ...(failingSince === null ? {} : { failingSince: new Date(failingSince) }),
    ...(disablesOn === null || !enabled ? {} : { disablesOn: new Date(disablesOn) }),
    failures: failures.map(failureOf),
    ...(pause === undefined ? {} : { pause }),
    ...(enabled || disabledOn === null ? {} : { disabledOn: new Date(disabledOn) }),
    ...(enabled || disabledReason === null ? {} : { disabledReason }),
    waiting: counted,
    waitingCapped: waiting > counted,
    ...(oldestOn === null ? {} : { oldestWaitingOn: new Date(oldestOn) }),
    ...(enabled && waiting > 0 && dueOn !== null ? { nextAttemptOn: new Date(dueOn) } : {}),
  }
}

/** Why an endpoint gets no attempt now; undefined where it may. */
function pauseOf(standing: EndpointStanding, policy: CircuitPolicy, now: number): EndpointPause | undefined {
  const { pause, causes } = shownCircuit(standing, policy, now)
  return pause
    ? { until: new Date(pause.until), cause: pause.cause, failures: causes.map(failureOf) }
    : undefined
}

function failureOf([on, errorCode, status]: FailureMark): EndpointFailure {
  return { on: new Date(on), errorCode, ...(status === null ? {} : { status }) }
}
