import type { Clock } from '@x/events-core'
import type { CircuitPolicy } from '../deliver/circuit-breaker.ts'
import { pauseOf } from '../endpoints/health.ts'
import { deliveryIdOf } from '../ids.ts'
import type { EndpointStanding } from '../store/health.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { Delivery } from './delivery.ts'
import { deliveryOf } from './delivery-of-row.ts'
import type { DeliveryReason, ResendEffect } from './delivery-reason.ts'
import type { DeliveryKey, DeliveryRow } from './delivery-row.ts'

/** What {@link createDeliveryReasons} works with. */
export interface DeliveryReasonsParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  readonly circuitPolicy: CircuitPolicy
  /** The sender's own. */
  readonly retrySchedule: readonly number[]
  /** Whether this process makes an attempt of it now. */
  isInFlight(key: DeliveryKey): boolean
}

/** Tells why deliveries are in their states. */
export interface DeliveryReasons {
  /** Deliveries as users see them: one statement for all, about the endpoints of those that wait. */
  describe(rows: readonly DeliveryRow[]): Promise<Delivery[]>
  /** One with all that can be told. */
  explain(row: DeliveryRow): Promise<{ readonly delivery: Delivery; readonly resend: ResendEffect }>
}

/** Creates what tells why. */
export function createDeliveryReasons(parts: DeliveryReasonsParts): DeliveryReasons {
  const { store, clock, circuitPolicy, retrySchedule, isInFlight } = parts

  function pendingReason(row: DeliveryRow, standing: EndpointStanding): DeliveryReason {
    const now = clock.now()
    const { dueOn, step } = row
    if (isInFlight(row)) return { code: 'in_flight' }
    if (standing.deletedOn !== null) return { code: 'endpoint_deleted', on: new Date(standing.deletedOn) }
    if (!standing.enabled) {
      const { disabledOn, disabledReason } = standing
      return { code: 'disabled', since: new Date(disabledOn ?? now), reason: disabledReason ?? 'manual' }
    }
    if (row.manual && dueOn !== null) return { code: 'requested', on: new Date(dueOn) }
    if (dueOn === null) return { code: 'predecessor' }
    const pause = pauseOf(standing, circuitPolicy, now)
    if (dueOn > Math.max(now, pause?.until.getTime() ?? 0)) {
      const { length } = standing.retrySchedule ?? retrySchedule
      return { code: 'scheduled', attempt: step + 1, of: Math.max(length, step + 1), on: new Date(dueOn) }
    }
    if (!pause) return { code: 'queued' }
    const { until, cause, failures } = pause
    if (cause === 'rate_limit') return { code: 'rate_limited', until }
    return { code: 'paused', until, cause, failures }
  }

  function reasonOf(row: DeliveryRow, standing: EndpointStanding | undefined): DeliveryReason {
    // An endpoint's row outlives its deliveries.
    if (row.state === 'pending') return standing ? pendingReason(row, standing) : { code: 'queued' }
    if (row.state === 'exhausted') {
      return { code: row.lastErrorCode === 'gone' ? 'gone' : 'attempts_exhausted' }
    }
    if (row.state !== 'cancelled') return { code: row.state }
    const deletedOn = standing?.deletedOn ?? null
    // It was cancelled with the endpoint, not before.
    if (deletedOn !== null && (row.finishedOn ?? 0) >= deletedOn) {
      return { code: 'endpoint_deleted', on: new Date(deletedOn) }
    }
    return { code: row.lastErrorCode === 'not_allowed' ? 'not_allowed' : 'cancelled' }
  }

  /** What takes a look at other deliveries, or at who has changed what. */
  async function withOthers(row: DeliveryRow, reason: DeliveryReason): Promise<DeliveryReason> {
    if (reason.code === 'queued') {
      return { ...reason, ...(await store.countAhead({ ...row, dueOn: row.dueOn ?? 0 })) }
    }
    if (reason.code === 'cancelled' || reason.code === 'endpoint_deleted' || reason.code === 'disabled') {
      const by = await store.actorOf(row.endpointKey, changeOf(row, reason))
      return by === undefined ? reason : { ...reason, by }
    }
    if (reason.code !== 'predecessor' || row.orderingKey === null) return reason
    const { messageKey, ...ahead } = await store.findPredecessor({ ...row, orderingKey: row.orderingKey })
    const { endpointKey } = row
    const id = messageKey === null ? {} : { deliveryId: deliveryIdOf({ endpointKey, messageKey }) }
    return { ...reason, ...id, ...ahead }
  }

  return {
    async describe(rows) {
      const open = rows.filter(({ state }) => state === 'pending' || state === 'cancelled')
      const keys = [...new Set(open.map(({ endpointKey }) => endpointKey))]
      const standings = keys.length === 0 ? undefined : await store.endpointStandings(keys)
      return rows.map((row) => deliveryOf(row, reasonOf(row, standings?.get(row.endpointKey))))
    },
    async explain(row) {
      const standing = (await store.endpointStandings([row.endpointKey])).get(row.endpointKey)
      const reason = await withOthers(row, reasonOf(row, standing))
      return { delivery: deliveryOf(row, reason), resend: resendEffect(reason, standing) }
    },
  }
}

type ChangeReason = Extract<DeliveryReason, { readonly code: 'cancelled' | 'endpoint_deleted' | 'disabled' }>

/** The change that is the reason, as the audit log has it. */
function changeOf({ messageKey, finishedOn }: DeliveryRow, reason: ChangeReason) {
  if (reason.code === 'cancelled') {
    return { action: 'delivery_cancelled', on: finishedOn ?? 0, messageKey } as const
  }
  return reason.code === 'disabled'
    ? ({ action: 'endpoint_disabled', on: reason.since.getTime() } as const)
    : ({ action: 'endpoint_deleted', on: reason.on.getTime() } as const)
}

function resendEffect({ code }: DeliveryReason, standing: EndpointStanding | undefined): ResendEffect {
  if (!standing || standing.deletedOn !== null) return 'endpoint_deleted'
  if (!standing.enabled) return 'endpoint_disabled'
  if (standing.isPull) return 'no_url'
  return code === 'in_flight' || code === 'requested' ? 'under_way' : 'sends'
}
