import type { Clock, FieldNames } from '@x/events-core'
import { activeTraceparent } from '@x/events-engine/internal'
import { SCOPE } from './argument.ts'
import { readActor } from './audit/audit-log.ts'
import type { Delivery } from './deliveries/delivery.ts'
import type { DeliveryRow } from './deliveries/delivery-row.ts'
import type { DeliveryReasons } from './deliveries/reasons.ts'
import type { ActorScope } from './endpoints/endpoint.ts'
import { tenantOf } from './endpoints/validate.ts'
import { assertArgument, endpointDisabled, endpointNotFound } from './errors.ts'
import { isUniqueId } from './ids.ts'
import type { TestMessages } from './messages/test-message.ts'
import type { DeliveryStore } from './store/store.ts'

/** What to send as a test. */
export interface SendTest extends ActorScope {
  /**
   * A type of the catalog, with its example.
   * @defaultValue 'Webhook.Test'
   */
  readonly eventType?: string | undefined
}

/** What {@link createTestSender} needs. */
export interface TestSenderParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  readonly testMessageOf: TestMessages
  readonly reasons: DeliveryReasons
  /** Called when a delivery has become due. */
  due(endpointKey: number): void
}

const OPTIONS: FieldNames<SendTest> = { ...SCOPE, eventType: true }

/** Creates the function that sends a test to one endpoint at once, whatever its event types. */
export function createTestSender({ store, clock, testMessageOf, reasons, due }: TestSenderParts) {
  return async function sendTest(endpointId: string, options?: SendTest): Promise<Delivery> {
    const { eventType, ...scope } = assertArgument.fields('', options, OPTIONS)
    const tenantId = tenantOf(scope)
    const actor = readActor(scope)
    const endpoint = isUniqueId('ep_', endpointId) ? await store.findEndpoint(endpointId) : undefined
    if (!endpoint || (tenantId !== undefined && endpoint.tenantId !== tenantId))
      throw endpointNotFound(endpointId)
    const message = {
      ...testMessageOf(endpoint, eventType, clock.now()),
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
