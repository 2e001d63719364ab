import type { WebhookSender } from '@x/sender'
import { type Route, route } from '../describe/route.ts'
import {
  byCode,
  either,
  flag,
  integer,
  list,
  named,
  number,
  object,
  optional,
  type Properties,
  text,
  time,
} from '../describe/schema.ts'
import type { EventDetails, EventOutcome, NoDeliveryReason, RaisedEvent } from '../ui/api-types.ts'
import { delivery } from './delivery-schemas.ts'
import { DEFAULT_LIMIT, PAGE_QUERY, searchPageSchema } from './page.ts'
import { disabledReason } from './reason-schemas.ts'

const properties: Properties<RaisedEvent> = {
  id: text('The `webhook-id` of its messages.'),
  tenantId: integer('-1 for one of all tenants.'),
  siteId: integer(),
  eventType: text(),
  entityName: text(),
  entityId: either(number(), text()),
  raisedOn: time(),
}

const raisedEvent = named('RaisedEvent', object<RaisedEvent>(properties, 'What the application has raised.'))

const noDeliveryReason = named(
  'NoDeliveryReason',
  byCode<NoDeliveryReason>({
    event_type: ["None of the endpoint's event types is the event's.", { eventTypes: list(text()) }],
    site: ['The endpoint wants events of another site.', { siteId: integer() }],
    filter: ["The endpoint's filter does not let it through.", {}],
    operational: [
      'It is about webhooks themselves, and the endpoint does not name its type or is its subject.',
      {},
    ],
    test: ['It is a test of another endpoint.', {}],
    created_later: ['The endpoint was created after it.', { createdOn: time() }],
    disabled: [
      'The endpoint was disabled.',
      { since: time(), until: optional(time('Absent where it still is.')), reason: disabledReason },
    ],
    not_reached: ['It was not turned into deliveries yet.', {}],
    parked: ['No message could be made of it; it is parked for the operators.', { on: time() }],
    expired: ['Its deliveries are older than they are kept.', {}],
    changed: ['The endpoint was changed since: it was disabled then, or set up otherwise.', { on: time() }],
    unknown: ['Nothing tells why.', {}],
  }),
)

const outcome = named(
  'EventOutcome',
  object<EventOutcome>({
    endpointId: text(),
    url: optional(text('Absent where messages are only read, and of a deleted endpoint.')),
    description: text(),
    delivery: optional(delivery),
    reason: optional(noDeliveryReason),
    changedOn: optional(time('When the endpoint was changed, if that was after the event.')),
  }),
)

/** What the application has raised, and who got it. */
export function raisedEventRoutes({ events }: WebhookSender): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/raised-events',
      role: 'viewer',
      operationId: 'findEvents',
      summary: 'Find events that the log still has, the newest first',
      description:
        'Looks at no more than 50,000 events of the application. Where it ends before the page is full, `searchedBackTo` says how far it has looked, and `next` goes on from there.',
      query: {
        entityName: text('Those of this entity.'),
        entityId: text('Those of the entity with this id.'),
        eventType: text('Those of this type or pattern, such as `File.*`.'),
        since: time('Those raised at this time or later.'),
        until: time('Those raised before this time.'),
        ...PAGE_QUERY,
      },
      response: searchPageSchema(raisedEvent),
      async handle({ user: { tenantId }, query: { limit = DEFAULT_LIMIT, ...filter } }) {
        const { items, next, searchedBackTo } = await events.find({ ...filter, tenantId, limit })
        return Response.json({ items, next: next ?? null, searchedBackTo: searchedBackTo ?? null })
      },
    }),
    route({
      method: 'GET',
      path: '/api/raised-events/:id',
      role: 'viewer',
      operationId: 'getEvent',
      summary: 'Tell of every endpoint whether it got an event, and if not, why not',
      response: named(
        'EventDetails',
        object<EventDetails>({
          ...properties,
          isInLog: flag('Whether the log still has it; if not, filters cannot be tried on it.'),
          endpoints: list(outcome, 'Those with a delivery first.'),
          hasMoreEndpoints: flag('Whether there are further endpoints without a delivery.'),
        }),
      ),
      handle: async ({ id, user }) => Response.json(await events.get(id, { tenantId: user.tenantId })),
    }),
  ]
}
