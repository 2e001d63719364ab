import type { EventType } from './event-type.ts'

const text = { type: 'string' } as const
const time = { type: 'string', format: 'date-time' } as const
const endpoint = { endpointId: text, url: { type: 'string', format: 'uri' } } as const
const required = ['endpointId', 'url']

const failing = {
  endpointId: 'ep_01890a5d-ac96-774b-bcce-b302099a8057',
  url: 'https://example.com/hook',
  failingSince: '2026-11-24T08:00:00.000Z',
}

/** The type of what a test sends. */
export const TEST_EVENT_TYPE = 'Webhook.Test'

/** What the sender raises about its own work. Endpoints get it if they name it, whatever the catalog says. */
export const BUILT_IN_EVENT_TYPES: readonly EventType[] = [
  {
    type: 'Webhook.Challenge',
    description:
      'Asks who is at the endpoint. Answer 200 with JSON: the `token`, and as `signature` what the secret makes of `Webhook.Challenge.<token>` under the same id and timestamp.',
    schema: { type: 'object', properties: { token: text }, required: ['token'] },
    example: { token: 'qg2bVQ0cJm3lTR8tT0Qm8w9w2nq3hXo3bq2ZJm1xg7E' },
  },
  {
    type: TEST_EVENT_TYPE,
    description: 'A test of the endpoint. It is sent to this endpoint alone, whichever types it wants.',
  },
  {
    type: 'WebhookDelivery.Exhausted',
    description: 'A delivery has failed for the last time.',
    schema: {
      type: 'object',
      properties: {
        deliveryId: text,
        endpointId: text,
        eventId: text,
        eventType: text,
        attemptCount: { type: 'integer' },
        lastStatus: { type: 'integer' },
        lastErrorCode: text,
      },
      required: ['deliveryId', 'endpointId', 'eventId', 'eventType', 'attemptCount'],
    },
    example: {
      deliveryId: 'dlv_12_3456',
      endpointId: failing.endpointId,
      eventId: 'evt_01890a5d-ac96-774b-bcce-b302099a8058',
      eventType: 'File.Download',
      attemptCount: 10,
      lastStatus: 500,
      lastErrorCode: 'http_status',
    },
  },
  {
    type: 'WebhookEndpoint.Disabled',
    description: 'An endpoint gets nothing more: it was failing for too long, or has answered 410 Gone.',
    schema: {
      type: 'object',
      properties: { ...endpoint, failingSince: time, reason: text },
      required: [...required, 'reason'],
    },
    example: { ...failing, reason: 'failing' },
  },
  {
    type: 'WebhookEndpoint.Failing',
    description:
      'No attempt to reach an endpoint has succeeded for a while. Sent when that begins (`percent` 0), and at 50, 70 and 90 percent of the time until it is disabled.',
    schema: {
      type: 'object',
      properties: { ...endpoint, failingSince: time, percent: { enum: [0, 50, 70, 90] }, disablesOn: time },
      required: [...required, 'failingSince', 'percent', 'disablesOn'],
    },
    example: { ...failing, percent: 0, disablesOn: '2026-11-29T08:00:00.000Z' },
  },
  {
    type: 'WebhookEndpoint.Recovered',
    description: 'An endpoint that was failing or disabled has received a webhook again.',
    schema: {
      type: 'object',
      properties: { ...endpoint, failingSince: time },
      required: [...required, 'failingSince'],
    },
    example: failing,
  },
].map((type) => Object.freeze({ ...type, deprecated: false, builtIn: true }))

/** Whether an event is one that only the sender raises. */
export function isBuiltIn({ entityName }: { readonly entityName: string }): boolean {
  return BUILT_IN_ENTITIES.includes(entityName)
}

/** Entities that only the sender raises events about. */
export const BUILT_IN_ENTITIES: readonly string[] = ['Webhook', 'WebhookDelivery', 'WebhookEndpoint']
