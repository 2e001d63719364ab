import { ALL_SITES, type Clock, createSyncEvent, eventTypeOf } from '@x/events-core'
import { activeTraceparent } from '@x/events-engine/internal'
import { readActor } from './audit/audit-log.ts'
import type { Delivery } from './deliveries/delivery.ts'
import type { DeliveryRow } from './deliveries/delivery-row.ts'
import type { DeliveryReasons } from './deliveries/reasons.ts'
import type { ActorScope } from './endpoints/endpoint.ts'
import { endpointDisabled, endpointNotFound } from './errors.ts'
import { isUniqueId, uniqueId } from './ids.ts'
import { messageOf } from './messages/message.ts'
import type { DeliveryStore } from './store/store.ts'

/** What {@link createTestSender} needs. */
export interface TestSenderParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  readonly cloudEventSource: string | undefined
  readonly reasons: DeliveryReasons
  /** Called when a delivery has become due. */
  due(endpointKey: number): void
}

/** Creates the function that sends `Webhook.Test` to one endpoint at once, whatever its event types. */
export function createTestSender({ store, clock, cloudEventSource, reasons, due }: TestSenderParts) {
  return async function sendTest(endpointId: string, scope: ActorScope = {}): Promise<Delivery> {
    const { tenantId } = scope
    const actor = readActor(scope)
    const endpoint = isUniqueId('ep_', endpointId) ? await store.findEndpoint(endpointId) : undefined
    if (!endpoint || (tenantId !== undefined && endpoint.tenantId !== tenantId))
      throw endpointNotFound(endpointId)
    const now = clock.now()
    const event = createSyncEvent({
      id: uniqueId('evt_', now),
      tenantId: endpoint.tenantId,
      siteId: endpoint.siteId ?? ALL_SITES,
      entityName: 'Webhook',
      entityId: endpoint.id,
      action: 'Test',
      modifiedOn: new Date(now),
    })
    const eventType = eventTypeOf(event)
    const { format } = endpoint
    const maxBodyBytes = Number.POSITIVE_INFINITY
    const message = {
      eventId: event.id,
      tenantId: event.tenantId,
      siteId: event.siteId,
      eventType,
      variant: format === 'standard' ? null : format,
      ...messageOf({ event, eventType, entity: undefined, format, cloudEventSource, maxBodyBytes }),
      traceparent: activeTraceparent(),
    }
    const key = await store.storeTestMessage(message, endpoint, actor)
    // The endpoint may have changed since it was read.
    if (key === 'disabled') throw endpointDisabled(endpointId)
    if (typeof key === 'string') throw endpointNotFound(endpointId)
    const row = (await store.findDelivery(key)) as DeliveryRow
    due(endpoint.key)
    return (await reasons.describe([row]))[0] as Delivery
  }
}
