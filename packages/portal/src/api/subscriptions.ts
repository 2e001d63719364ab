import type { SyncEvent } from '@x/events-core'
import { type BodyFields, type Route, route } from '../describe/route.ts'
import {
  anything,
  choice,
  count,
  either,
  flag,
  integer,
  list,
  named,
  number,
  type OptionalSchema,
  object,
  optional,
  type Properties,
  text,
  time,
} from '../describe/schema.ts'
import { invalidArgument, PortalProblem } from '../problem.ts'
import type { JsonFields } from '../read-json.ts'
import type { ParkedEvent, Subscription, SubscriptionDetails } from '../ui/api-types.ts'

/** A durable subscription of the host, and how far it is behind. */
export interface PortalSubscription {
  readonly name: string
  readonly state: string
  readonly leasedBy: string | undefined
  readonly failedAttempts: number
  readonly lastError: string | undefined
  /** How many events are parked. */
  readonly parked: number
  readonly lagEvents: number
  readonly lagCapped: boolean
  readonly lagSeconds: number
}

/** The part of `EventEngine` that operators look after. */
export interface PortalEngine {
  stats(): Promise<{ readonly subscriptions: readonly PortalSubscription[] }>
  readonly subscriptions: {
    parked(
      name: string,
      limit?: number,
    ): Promise<
      readonly {
        readonly event: SyncEvent
        readonly attempts: number
        readonly error: string
        readonly parkedOn: Date
      }[]
    >
    resume(name: string, eventId?: string): Promise<void>
    discard(name: string, eventId?: string): Promise<number>
    skip(name: string): Promise<SyncEvent | undefined>
    pause(name: string): Promise<void>
  }
}

const MAX_PARKED = 100

const oneEvent = { eventId: optional(text('One of the parked events; all of them by default.')) }

const properties: Properties<Subscription> = {
  name: text(),
  state: choice(['active', 'paused', 'blocked']),
  leasedBy: optional(text('The node that reads it.')),
  failedAttempts: count(),
  lastError: optional(text()),
  parked: count('How many events are parked.'),
  lagEvents: count(),
  lagCapped: flag('Whether it is behind by even more events.'),
  lagSeconds: number(),
}

const subscription = named('Subscription', object<Subscription>(properties))

const parkedEvent = object<ParkedEvent>({
  event: object<ParkedEvent['event']>({
    id: text(),
    tenantId: integer(),
    siteId: integer(),
    entityName: text(),
    entityId: either(number(), text()),
    action: text(),
    modifiedOn: time(),
    data: optional(anything('What was attached to the event.')),
  }),
  attempts: count(),
  error: text(),
  parkedOn: time(),
})

const subscriptionDetails = named(
  'SubscriptionDetails',
  object<SubscriptionDetails>({ ...properties, parkedEvents: list(parkedEvent) }),
)

/** Subscriptions of the engine, which hold the events of every tenant: for operators alone. */
export function subscriptionRoutes(engine: PortalEngine): Route[] {
  const { subscriptions } = engine

  async function all() {
    const { subscriptions: found } = await engine.stats()
    return found.map((one) => ({
      name: one.name,
      state: one.state,
      leasedBy: one.leasedBy,
      failedAttempts: one.failedAttempts,
      lastError: one.lastError,
      parked: one.parked,
      lagEvents: one.lagEvents,
      lagCapped: one.lagCapped,
      lagSeconds: one.lagSeconds,
    }))
  }

  async function one(name: string) {
    const found = (await all()).find((subscription) => subscription.name === name)
    if (found) return found
    throw new PortalProblem(404, 'subscription_not_found', 'There is no subscription of this name.')
  }

  const change = (
    action: string,
    summary: string,
    fields: { readonly eventId?: OptionalSchema<string> },
    act: (name: string, fields: JsonFields) => Promise<unknown>,
  ) =>
    route({
      method: 'POST',
      path: `/api/subscriptions/:id/${action}`,
      role: 'operator',
      operationId: `${action}Subscription`,
      summary,
      response: subscription,
      fields: fields as BodyFields,
      async handle(call) {
        await one(call.id)
        await act(call.id, call.fields)
        return Response.json(await one(call.id))
      },
    })

  return [
    route({
      method: 'GET',
      path: '/api/subscriptions',
      role: 'operator',
      operationId: 'listSubscriptions',
      summary: 'List the subscriptions of the application',
      response: object<{ items: readonly Subscription[] }>({ items: list(subscription) }),
      handle: async () => Response.json({ items: await all() }),
    }),
    route({
      method: 'GET',
      path: '/api/subscriptions/:id',
      role: 'operator',
      operationId: 'getSubscription',
      summary: 'Get a subscription with its parked events',
      response: subscriptionDetails,
      async handle({ id }) {
        const subscription = await one(id)
        const parked = await subscriptions.parked(id, MAX_PARKED)
        return Response.json({ ...subscription, parkedEvents: parked })
      },
    }),
    change('resume', 'Resume a subscription, or one of its parked events', oneEvent, (name, fields) =>
      subscriptions.resume(name, eventIdOf(fields)),
    ),
    change('discard', 'Discard parked events', oneEvent, (name, fields) =>
      subscriptions.discard(name, eventIdOf(fields)),
    ),
    change('skip', 'Skip the next event of a subscription', {}, (name) => subscriptions.skip(name)),
    change('pause', 'Pause a subscription', {}, (name) => subscriptions.pause(name)),
  ]
}

function eventIdOf({ eventId }: JsonFields): string | undefined {
  if (eventId === undefined || typeof eventId === 'string') return eventId
  throw invalidArgument('eventId', 'eventId must be the id of an event.')
}
