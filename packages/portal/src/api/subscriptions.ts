import type { SyncEvent } from '@x/events-core'
import { invalidArgument, PortalProblem } from '../problem.ts'
import type { JsonFields } from '../read-json.ts'
import type { Route } from '../router.ts'

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
    known: readonly string[],
    act: (name: string, fields: JsonFields) => Promise<unknown>,
  ): Route => ({
    method: 'POST',
    path: `/api/subscriptions/:id/${action}`,
    role: 'operator',
    fields: known,
    async handle({ id, fields }) {
      await one(id)
      await act(id, fields)
      return Response.json(await one(id))
    },
  })

  return [
    {
      method: 'GET',
      path: '/api/subscriptions',
      role: 'operator',
      handle: async () => Response.json({ items: await all() }),
    },
    {
      method: 'GET',
      path: '/api/subscriptions/:id',
      role: 'operator',
      async handle({ id }) {
        const subscription = await one(id)
        const parked = await subscriptions.parked(id, MAX_PARKED)
        return Response.json({ ...subscription, parkedEvents: parked })
      },
    },
    change('resume', ['eventId'], (name, fields) => subscriptions.resume(name, eventIdOf(fields))),
    change('discard', ['eventId'], (name, fields) => subscriptions.discard(name, eventIdOf(fields))),
    change('skip', [], (name) => subscriptions.skip(name)),
    change('pause', [], (name) => subscriptions.pause(name)),
  ]
}

function eventIdOf({ eventId }: JsonFields): string | undefined {
  if (eventId === undefined || typeof eventId === 'string') return eventId
  throw invalidArgument('eventId', 'eventId must be the id of an event.')
}
