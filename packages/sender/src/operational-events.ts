import { ALL_SITES, type SyncEvent } from '@x/events-core'
import type { EventEngine } from '@x/events-engine'
import type { Transaction } from 'kysely'
import type { EndpointNotice, FailingPercent } from './deliver/circuit-breaker.ts'
import type { AttemptErrorCode } from './deliveries/attempt-error-code.ts'
import type { RecordedResults } from './deliveries/attempt-result.ts'
import type { DeliveryRow } from './deliveries/delivery-row.ts'
import type { DisabledReason } from './endpoints/endpoint.ts'
import type { EndpointRow } from './endpoints/fields.ts'
import { deliveryIdOf, parseDeliveryId } from './ids.ts'

/** What a `WebhookEndpoint.Failing`, `.Recovered` or `.Disabled` event carries. */
export interface WebhookEndpointChange {
  readonly endpointId: string
  readonly url: string
  /** Since when no attempt has succeeded, ISO 8601; absent for one that was not failing. */
  readonly failingSince?: string
  /** `Failing`: how much of the time until it is disabled has passed: 0 the first time, then 50, 70 and 90. */
  readonly percent?: FailingPercent
  /** `Failing`: when it will be disabled unless an attempt succeeds, ISO 8601. */
  readonly disablesOn?: string
  /** `Disabled`: why. */
  readonly reason?: DisabledReason
}

/** What a `WebhookDelivery.Exhausted` event carries. */
export interface WebhookDeliveryChange {
  readonly deliveryId: string
  readonly endpointId: string
  readonly eventId: string
  readonly eventType: string
  readonly attemptCount: number
  readonly lastStatus?: number
  readonly lastErrorCode?: AttemptErrorCode
}

declare module '@x/events-core' {
  interface EntityTypes {
    /** Raised by the sender about an endpoint: `Failing`, `Recovered`, `Disabled`. */
    WebhookEndpoint: WebhookEndpointChange
    /** Raised by the sender about a delivery: `Exhausted`. */
    WebhookDelivery: WebhookDeliveryChange
  }
}

const ENTITIES = ['WebhookEndpoint', 'WebhookDelivery']
const ACTIONS = { failing: 'Failing', recovered: 'Recovered', disabled: 'Disabled' } as const

/** Whether an event is about the sender's own work. */
export function isOperational({ entityName }: Pick<SyncEvent, 'entityName'>): boolean {
  return ENTITIES.includes(entityName)
}

/**
 * Whether an endpoint gets an event about the sender's work: only one that asks for it by name, never
 * by `*`, and never the one that the event is about, which has other troubles.
 */
export function wantsOperational(
  endpoint: { readonly key: number; readonly id: string; readonly eventTypes: readonly string[] },
  { entityName, entityId }: SyncEvent,
): boolean {
  const isAboutItself = entityId === endpoint.id || parseDeliveryId(entityId)?.endpointKey === endpoint.key
  return !isAboutItself && endpoint.eventTypes.some((pattern) => pattern.startsWith(`${entityName}.`))
}

/** Creates what raises these events, in the transaction that records what they report. */
export function createOperationalEvents<DB>(engine: EventEngine<DB>) {
  async function raiseAboutEndpoint(trx: Transaction<DB>, endpoint: EndpointRow, notice: EndpointNotice) {
    const { failingSince } = notice
    await engine.syncManager.addSyncEvent(
      siteOf(endpoint),
      'WebhookEndpoint',
      endpoint.id,
      ACTIONS[notice.kind],
      {
        trx,
        data: {
          endpointId: endpoint.id,
          // One without a URL is never attempted, and so neither fails nor recovers.
          url: endpoint.url ?? '',
          ...(failingSince === null ? {} : { failingSince: new Date(failingSince).toISOString() }),
          ...(notice.kind === 'failing'
            ? { percent: notice.percent, disablesOn: new Date(notice.disablesOn).toISOString() }
            : {}),
          ...(notice.kind === 'disabled' ? { reason: notice.reason } : {}),
        },
      },
    )
  }

  async function raiseAboutDelivery(trx: Transaction<DB>, endpoint: EndpointRow, row: DeliveryRow) {
    // An event about a delivery must not cause events about its own.
    if (ENTITIES.some((name) => row.eventType.startsWith(`${name}.`))) return
    const id = deliveryIdOf(row)
    await engine.syncManager.addSyncEvent(siteOf(endpoint), 'WebhookDelivery', id, 'Exhausted', {
      trx,
      data: {
        deliveryId: id,
        endpointId: row.endpointId,
        eventId: row.eventId,
        eventType: row.eventType,
        attemptCount: row.attemptCount,
        ...(row.lastStatus === null ? {} : { lastStatus: row.lastStatus }),
        ...(row.lastErrorCode === null ? {} : { lastErrorCode: row.lastErrorCode }),
      },
    })
  }

  return async function raiseNotices(
    transaction: Transaction<unknown>,
    recorded: RecordedResults,
  ): Promise<void> {
    const trx = transaction as Transaction<DB>
    const { endpoints, notices, exhausted } = recorded
    for (const row of exhausted) {
      const endpoint = endpoints.get(row.endpointKey)
      if (endpoint) await raiseAboutDelivery(trx, endpoint, row)
    }
    for (const { endpointKey, notice } of notices) {
      const endpoint = endpoints.get(endpointKey)
      if (endpoint) await raiseAboutEndpoint(trx, endpoint, notice)
    }
  }
}

function siteOf({ tenantId, siteId }: EndpointRow): { tenantId: number; siteId: number } {
  return { tenantId, siteId: siteId ?? ALL_SITES }
}
