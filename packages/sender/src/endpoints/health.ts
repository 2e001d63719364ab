import type { Clock } from '@x/events-core'
import { type CircuitPolicy, type FailureMark, shownCircuit } from '../deliver/circuit-breaker.ts'
import { type EndpointBacklog, type EndpointStanding, MAX_WAITING } from '../store/health.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { EndpointFailure, EndpointHealth, EndpointPause } from './endpoint-health.ts'

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
export function pauseOf(
  standing: EndpointStanding,
  policy: CircuitPolicy,
  now: number,
): EndpointPause | undefined {
  const { pause, causes } = shownCircuit(standing, policy, now)
  return pause
    ? { until: new Date(pause.until), cause: pause.cause, failures: causes.map(failureOf) }
    : undefined
}

function failureOf([on, errorCode, status]: FailureMark): EndpointFailure {
  return { on: new Date(on), errorCode, ...(status === null ? {} : { status }) }
}
