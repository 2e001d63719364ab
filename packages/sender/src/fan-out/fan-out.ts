import { type Clock, eventTypeOf, type SyncEvent } from '@x/events-core'
import type { SqlExecutor } from '@x/events-engine/internal'
import { firstDelayMsOf } from '../deliver/retry-schedule.ts'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import { createEndpointMatcher, type EndpointMatcher } from '../endpoint-matcher.ts'
import type { OrderingKeyOf } from '../endpoints/ordering.ts'
import type { Composer } from '../messages/compose.ts'
import { createFanOutSpans } from '../observability/tracing.ts'
import type { MessageTarget, MessageToStore, StoredDelivery } from '../store/messages.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { FannedOut } from '../store/straight.ts'

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

/** Large events of one tenant, and what they are compared with, are not to hold up the whole host. */
const LONGEST_TURN_MS = 10

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
      let turnBegan = performance.now()
      for (const event of events) {
        if (performance.now() - turnBegan > LONGEST_TURN_MS) {
          await new Promise(setImmediate)
          turnBegan = performance.now()
        }
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

/** A delivery that was stored just now, as it would be read. */
export function dueDelivery(
  message: MessageToStore,
  { endpointKey, orderingKey, dueOn }: MessageTarget,
  { messageKey, link }: StoredDelivery,
): DueDelivery {
  const { eventId, headers, traceparent } = message
  return {
    endpointKey,
    messageKey,
    eventId,
    body: bytesOf(message),
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

const bytes = new WeakMap<MessageToStore, Buffer>()

/** One for all deliveries of a message: the bytes are never changed. */
function bytesOf(message: MessageToStore): Buffer {
  let made = bytes.get(message)
  if (!made) {
    made = Buffer.from(message.body)
    bytes.set(message, made)
  }
  return made
}
