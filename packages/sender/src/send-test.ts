import { ALL_SITES, type Clock, createSyncEvent } from '@x/events-core'
import { activeTraceparent } from '@x/events-engine/support'
import { deliveryOf, endpointDisabled } from './deliveries/deliveries.ts'
import type { Delivery } from './deliveries/delivery.ts'
import type { DeliveryRow } from './deliveries/delivery-row.ts'
import type { DeliveryStore } from './delivery-store.ts'
import type { TenantScope } from './endpoints/endpoint.ts'
import { endpointNotFound } from './endpoints/endpoints.ts'
import { renderMessage } from './render-message.ts'
import { uniqueId } from './unique-id.ts'

/** What {@link createTestSender} works with. */
export interface TestSenderParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  /** Called when something has become due. */
  due(endpointKey: number): void
}

/** Creates what sends `Webhook.Test` to one endpoint, whichever types it wants. */
export function createTestSender({ store, clock, due }: TestSenderParts) {
  return async function sendTest(endpointId: string, { tenantId }: TenantScope = {}): Promise<Delivery> {
    const endpoint = await store.findEndpoint(endpointId)
    if (!endpoint || (tenantId !== undefined && endpoint.tenantId !== tenantId))
      throw endpointNotFound(endpointId)
    if (!endpoint.enabled) throw endpointDisabled(endpointId)
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
    const { eventType, body } = renderMessage(event, Number.POSITIVE_INFINITY)
    const message = {
      eventId: event.id,
      eventType,
      body,
      traceparent: activeTraceparent(),
      targets: [{ endpointKey: endpoint.key, lane: null, dueOn: now }],
    }
    const key = await store.storeTestMessage(message, now)
    due(endpoint.key)
    return deliveryOf((await store.findDelivery(key)) as DeliveryRow)
  }
}
