import {
  ALL_SITES,
  ALL_TENANTS,
  type Clock,
  eventTypeOf,
  matchesEventType,
  type SyncEvent,
} from '@x/events-core'
import type { SqlExecutor } from '@x/events-engine/internal'
import { firstDelayMsOf } from '../deliver/retry-schedule.ts'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import type { EndpointFilterRow } from '../endpoints/fields.ts'
import type { OrderingKeyOf } from '../endpoints/ordering.ts'
import type { Composer } from '../messages/compose.ts'
import { createFanOutSpans } from '../observability/tracing.ts'
import { isOperational, wantsOperational } from '../operational-events.ts'
import type { MessageTarget, MessageToStore, StoredDelivery } from '../store/messages.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { FannedOut } from '../store/straight.ts'
import { createTurns } from '../turns.ts'

/** What {@link createFanOut} works with. */
export interface FanOutParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  readonly composer: Composer
  /** To read endpoints with outside of a transaction. */
  readonly db: SqlExecutor
  readonly firstDelayMs: number
  readonly orderingKeyOf: OrderingKeyOf
}

/** The messages of one event, each with those who are to get it. */
export interface FannedOutEvent {
  readonly messages: readonly MessageToStore[]
  /** Of the endpoints, as they were matched. */
  readonly revision: number
}

/** How events are to be fanned out. */
export interface FanOutOptions {
  /** The transaction that is to see the endpoints; none where they may change until the messages are stored. */
  readonly executor?: SqlExecutor
  /** Whether deliveries of these events may exist already: those are left out. */
  readonly mayRepeat?: boolean
}

/** Finds out which messages there are to be about events, and who is to get them. */
export interface FanOut {
  /** The endpoints as a transaction sees them; they are only read again when one has changed. */
  matcher(executor?: SqlExecutor): Promise<EndpointMatcher>
  /** @throws WebhookSenderError for an event that no message can be made of. */
  plan(events: readonly SyncEvent[], options: FanOutOptions): Promise<readonly FannedOutEvent[]>
}

type Had = ReadonlyMap<string, ReadonlyMap<number, FannedOut>>

/** Deliveries that exist, by event and endpoint. */
export function hadBy(fannedOut: readonly FannedOut[]): Had {
  const had = new Map<string, Map<number, FannedOut>>()
  for (const one of fannedOut) {
    const ofEvent = had.get(one.eventId) ?? new Map<number, FannedOut>()
    had.set(one.eventId, ofEvent.set(one.endpointKey, one))
  }
  return had
}

/** Creates what fans events out. */
export function createFanOut(parts: FanOutParts): FanOut {
  const { store, clock, composer, db, firstDelayMs, orderingKeyOf } = parts
  let matcher: EndpointMatcher | undefined
  let matcherRevision = -1

  async function currentMatcher(executor: SqlExecutor = db): Promise<EndpointMatcher> {
    const revision = await store.revision(executor)
    if (!matcher || revision !== matcherRevision) {
      matcher = createEndpointMatcher(await store.readFilters(executor))
      matcherRevision = revision
    }
    return matcher
  }

  return {
    matcher: currentMatcher,
    async plan(events, { executor = db, mayRepeat = false }) {
      const { match } = await currentMatcher(executor)
      const revision = matcherRevision
      const had = hadBy(mayRepeat ? await store.findFannedOut(executor, events) : [])
      const now = clock.now()
      const spans = createFanOutSpans()
      const planned: FannedOutEvent[] = []
      const endLongTurn = createTurns()
      for (const event of events) {
        const turn = endLongTurn()
        if (turn) await turn
        const eventType = eventTypeOf(event)
        const matched = match(event, eventType)
        if (matched.length === 0) {
          planned.push({ messages: [], revision })
          continue
        }
        const ofEvent = had.get(event.id)
        const composed = composer.compose(event, eventType, matched)
        if (composed.length === 0) {
          planned.push({ messages: [], revision })
          continue
        }
        const count = composed.reduce((sum, { endpoints }) => sum + endpoints.length, 0)
        const traceparent = spans.begin(event, eventType, count)
        const { id: eventId, tenantId, siteId } = event
        const messages = composed.flatMap(({ variant, body, headers, endpoints }) => {
          const left = ofEvent ? endpoints.filter(({ key }) => !ofEvent.has(key)) : endpoints
          if (left.length === 0) return []
          const targets = left.map(({ key, ordering, retrySchedule, sequence, isPull }) => ({
            endpointKey: key,
            orderingKey: isPull ? null : orderingKeyOf(ordering, event),
            dueOn: now + (retrySchedule ? firstDelayMsOf(retrySchedule) : firstDelayMs),
            isSequenced: sequence,
            isPull,
          }))
          return [{ eventId, tenantId, siteId, eventType, variant, body, headers, traceparent, targets }]
        })
        planned.push({ messages, revision })
      }
      spans.end()
      return planned
    },
  }
}

/**
 * A delivery that was stored just now, as it would be read.
 *
 * @param body - of the message, the same for all of its deliveries.
 */
export function dueDelivery(
  { eventId, headers, traceparent }: MessageToStore,
  { endpointKey, orderingKey, dueOn }: MessageTarget,
  { messageKey, link }: StoredDelivery,
  body: Buffer,
): DueDelivery {
  return {
    endpointKey,
    messageKey,
    eventId,
    body,
    headers,
    traceparent,
    attemptCount: 0,
    step: 0,
    dueOn,
    orderingKey,
    manual: false,
    link,
  }
}

/** Tells which endpoints an event goes to. */
export interface EndpointMatcher {
  /** In the order of their keys. */
  match(event: SyncEvent, eventType: string): readonly EndpointFilterRow[]
}

/** Kinds of events, and endpoints that those are remembered with: of a tenant's thousand, each kind takes 8 KB. */
const MAX_REMEMBERED = 10_000
const MAX_REMEMBERED_ENDPOINTS = 250_000

/**
 * An event goes to the endpoints of its tenant that want its site and its type; one of all tenants to
 * the endpoints of every tenant, and if it is of no site in particular, whichever site they want.
 */
export function createEndpointMatcher(filters: readonly EndpointFilterRow[]): EndpointMatcher {
  const byTenant = Map.groupBy(filters, ({ tenantId }) => tenantId)
  // Events come in few kinds, and patterns are costly to compare.
  const remembered = new Map<string, readonly EndpointFilterRow[]>()
  let rememberedEndpoints = 0

  return {
    match(event, eventType) {
      if (isOperational(event)) {
        // Told from who it is about, not only by its kind.
        const ofTenant = byTenant.get(event.tenantId) ?? []
        return ofTenant.filter((one) => wantsOperational(one, event) && wants(one, event, eventType))
      }
      const kind = `${event.tenantId}:${event.siteId}:${eventType}`
      let matched = remembered.get(kind)
      if (!matched) {
        const candidates = event.tenantId === ALL_TENANTS ? filters : (byTenant.get(event.tenantId) ?? [])
        matched = candidates.filter((filter) => wants(filter, event, eventType))
        rememberedEndpoints += matched.length
        if (remembered.size >= MAX_REMEMBERED || rememberedEndpoints > MAX_REMEMBERED_ENDPOINTS) {
          remembered.clear()
          rememberedEndpoints = matched.length
        }
        remembered.set(kind, matched)
      }
      return matched
    },
  }
}

function wants(filter: EndpointFilterRow, { tenantId, siteId }: SyncEvent, eventType: string): boolean {
  const isEverywhere = tenantId === ALL_TENANTS && siteId === ALL_SITES
  if (filter.siteId !== null && filter.siteId !== siteId && !isEverywhere) return false
  return filter.eventTypes.some((pattern) => matchesEventType(pattern, eventType))
}
