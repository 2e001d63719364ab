import { ALL_SITES, createSyncEvent, type JsonValue } from '@x/events-core'
import type { EndpointRow } from '../endpoints/fields.ts'
import { assertArgument } from '../errors.ts'
import { TEST_EVENT_TYPE } from '../event-types/built-in-event-types.ts'
import type { EventCatalog } from '../event-types/event-catalog.ts'
import { exampleOf } from '../event-types/example-of.ts'
import { testEventId } from '../ids.ts'
import { type Message, messageOf } from './message.ts'
import type { PayloadVersions } from './render.ts'

/** What {@link createTestMessages} needs. */
export interface TestMessageParts {
  readonly catalog: Pick<EventCatalog, 'get'>
  readonly payloadVersions: PayloadVersions
  readonly cloudEventSource: string | undefined
}

/** A message that is only a test, and what is stored with it. */
export interface TestMessage extends Message {
  readonly eventId: string
  readonly eventType: string
  readonly tenantId: number
  readonly siteId: number
  readonly variant: string | null
}

/** What a test message depends on of its endpoint. */
export type TestedEndpoint = Pick<EndpointRow, 'id' | 'tenantId' | 'siteId' | 'format' | 'payloadVersion'>

/** Makes the test message of a type. */
export type TestMessages = (
  endpoint: TestedEndpoint,
  eventType: string | undefined,
  now: number,
) => TestMessage

/**
 * Creates what makes messages for tests: of the type `Webhook.Test`, or of one of the catalog with its example. All have
 * `data.test: true`.
 */
export function createTestMessages({
  catalog,
  payloadVersions,
  cloudEventSource,
}: TestMessageParts): TestMessages {
  function entityOf(eventType: string, endpoint: TestedEndpoint): JsonValue | undefined {
    if (eventType === TEST_EVENT_TYPE) return undefined
    const known = catalog.get(eventType)
    assertArgument(known !== undefined, 'eventType', 'a type of the catalog', eventType)
    const version = payloadVersions.of(endpoint.payloadVersion)
    const { schema, example } = known.versions?.[version ?? ''] ?? known
    return example ?? (schema === undefined ? undefined : exampleOf(schema))
  }

  return (endpoint, eventType = TEST_EVENT_TYPE, now) => {
    assertArgument(typeof eventType === 'string', 'eventType', 'a type of the catalog', eventType)
    const entity = entityOf(eventType, endpoint)
    const [entityName = '', action = ''] = eventType.split('.')
    const event = createSyncEvent({
      id: testEventId(now),
      tenantId: endpoint.tenantId,
      siteId: endpoint.siteId ?? ALL_SITES,
      entityName,
      entityId: eventType === TEST_EVENT_TYPE ? endpoint.id : 'example',
      action,
      modifiedOn: new Date(now),
    })
    const { format } = endpoint
    const maxBodyBytes = Number.POSITIVE_INFINITY
    return {
      eventId: event.id,
      eventType,
      tenantId: event.tenantId,
      siteId: event.siteId,
      variant: format === 'standard' ? null : format,
      ...messageOf({ event, eventType, entity, isTest: true, format, cloudEventSource, maxBodyBytes }),
    }
  }
}
