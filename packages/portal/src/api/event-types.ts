import type { EventTypeContent, WebhookSender } from '@x/sender'
import { type Route, route } from '../describe/route.ts'
import {
  anything,
  flag,
  list,
  named,
  object,
  optional,
  type Properties,
  record,
  text,
} from '../describe/schema.ts'
import type { EventType } from '../ui/api-types.ts'

const content: Properties<EventTypeContent> = {
  schema: optional(anything('A JSON Schema of `data.entity`.', { type: ['object', 'boolean'] })),
  example: optional(anything('A `data.entity` to show.')),
}

const eventType = named(
  'EventType',
  object<EventType>({
    type: text(undefined, { examples: ['Invoice.Create'] }),
    description: text(),
    deprecated: flag('Still sent, and not to be relied on by anybody new.'),
    builtIn: flag('Raised about webhooks themselves.'),
    ...content,
    versions: optional(
      record(object(content), 'The same in some payload versions, where it is something else.'),
    ),
  }),
)

/** The catalog: what endpoints can ask for. */
export function eventTypeRoutes({ eventTypes }: WebhookSender): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/event-types',
      role: 'viewer',
      operationId: 'listEventTypes',
      summary: 'List the event catalog',
      response: object<{ items: readonly EventType[] }>({ items: list(eventType) }),
      handle: async () => Response.json({ items: eventTypes.list({ builtIn: true }) }),
    }),
  ]
}
