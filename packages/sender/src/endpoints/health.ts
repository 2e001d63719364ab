import type { Clock } from '@x/events-core'
import { type CircuitPolicy, type FailureMark, shownCircuit } from '../deliver/circuit-breaker.ts'
import { type EndpointBacklog, type EndpointStanding, MAX_WAITING } from '../store/health.ts'
import type { DeliveryStore } from '../store/store.ts'
import type {
  EndpointFailure,
  EndpointHealth,
  EndpointHealthState,
  EndpointPause,
} from './endpoint-health.ts'

/** What {@link createEndpointHealth} works with. */
export interface EndpointHealthParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  readonly circuitPolicy: CircuitPolicy
}

/** Reads how endpoints do, by their keys, of many at once. */
export interface EndpointHealthReader {
  /** In two statements. */
  read(endpointKeys: readonly number[]): Promise<ReadonlyMap<number, EndpointHealth>>
  /** In one, of the state alone. */
  readStates(endpointKeys: readonly number[]): Promise<ReadonlyMap<number, EndpointHealthState>>
}

/** Creates what tells how endpoints do. */
export function createEndpointHealth({
  store,
  clock,
  circuitPolicy,
}: EndpointHealthParts): EndpointHealthReader {
  async function read(endpointKeys: readonly number[]) {
    if (endpointKeys.length === 0) return new Map()
    const [standings, backlogs] = await Promise.all([
      store.endpointStandings(endpointKeys),
      store.endpointBacklogs(endpointKeys),
    ])
    const now = clock.now()
    const healthOf = (standing: EndpointStanding) =>
      endpointHealthOf(standing, backlogs.get(standing.key) ?? NO_BACKLOG, circuitPolicy, now)
    return new Map([...standings].map(([key, standing]) => [key, healthOf(standing)]))
  }

  return {
    read,
    async readStates(endpointKeys) {
      const standings = await store.endpointStandings(endpointKeys)
      const now = clock.now()
      return new Map([...standings].map(([key, standing]) => [key, stateOf(standing, circuitPolicy, now)]))
    },
  }
}

function stateOf(standing: EndpointStanding, policy: CircuitPolicy, now: number): EndpointHealthState {
  if (!standing.enabled) return 'disabled'
  const pause = pauseOf(standing, policy, now)
  if (pause !== undefined && pause.cause !== 'rate_limit') return 'paused'
  return shownCircuit(standing, policy, now).failingSince === null ? 'healthy' : 'failing'
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
  const counted = Math.min(waiting, MAX_WAITING)
  return {
    endpointId: id,
    state: stateOf(standing, policy, now),
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
