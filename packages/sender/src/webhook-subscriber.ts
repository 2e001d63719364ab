import { type Clock, eventTypeOf, type SubscriberContext, type SyncEvent } from '@x/events-core'
import type { IBatchEventSubscriber } from '@x/events-engine'
import type { SqlExecutor } from '@x/events-engine/support'
import type { DeliveryStore, DueDelivery, MessageToStore } from './delivery-store.ts'
import { createEndpointMatcher, type EndpointMatcher } from './endpoint-matcher.ts'
import type { LaneOf } from './endpoints/ordering.ts'
import type { Composer } from './messages/compose.ts'
import type { Renderings } from './messages/render.ts'
import { createFanOutSpans } from './observability/tracing.ts'
import { firstDelayMsOf } from './worker/retry-schedule.ts'

/** What {@link createWebhookSubscriber} works with. */
export interface WebhookSubscriberParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  readonly composer: Composer
  /** Undefined where nothing is rendered. */
  readonly renderings: Renderings | undefined
  /** To read endpoints with outside of a transaction. */
  readonly db: SqlExecutor
  readonly firstDelayMs: number
  readonly laneOf: LaneOf
  /** Called with what was stored, once that is committed. */
  stored(deliveries: readonly DueDelivery[]): void
}

/** Large events of one tenant, and what they are compared with, are not to hold up the whole host. */
const LONGEST_TURN_MS = 10

/**
 * Turns events into messages and deliveries, in the transaction that moves the subscription on: each
 * event becomes deliveries exactly once, whatever crashes.
 */
export function createWebhookSubscriber<DB>(parts: WebhookSubscriberParts): IBatchEventSubscriber<DB> {
  const { store, clock, composer, renderings, db, firstDelayMs, laneOf, stored } = parts
  let matcher: EndpointMatcher | undefined
  let matcherRevision = -1

  /** The endpoints as this transaction sees them; they are only read again when one has changed. */
  async function currentMatcher(executor: SqlExecutor): Promise<EndpointMatcher> {
    const revision = await store.revision(executor)
    if (!matcher || revision !== matcherRevision) {
      matcher = createEndpointMatcher(await store.readFilters(executor))
      matcherRevision = revision
    }
    return matcher
  }

  async function prepare(events: readonly SyncEvent[], { signal }: SubscriberContext): Promise<void> {
    const { match } = await currentMatcher(db)
    const tasks = events.flatMap((event) => {
      const eventType = eventTypeOf(event)
      return composer.tasks(event, eventType, match(event, eventType))
    })
    await renderings?.render(tasks, signal)
  }

  return {
    // Without it, the engine begins the transaction at once.
    ...(renderings === undefined ? {} : { prepare }),
    async entitiesChanged(events, { trx, afterCommit }) {
      const executor = trx.withoutPlugins()
      const { match } = await currentMatcher(executor)
      const now = clock.now()
      const messages: MessageToStore[] = []
      const spans = createFanOutSpans()
      let turnBegan = performance.now()
      for (const event of events) {
        if (performance.now() - turnBegan > LONGEST_TURN_MS) {
          await new Promise(setImmediate)
          turnBegan = performance.now()
        }
        const eventType = eventTypeOf(event)
        const matched = match(event, eventType)
        if (matched.length === 0) continue
        const composed = composer.compose(event, eventType, matched)
        if (composed.length === 0) continue
        const count = composed.reduce((sum, { endpoints }) => sum + endpoints.length, 0)
        const traceparent = spans.begin(event, eventType, count)
        for (const { variant, body, headers, endpoints } of composed) {
          const targets = endpoints.map(({ key, ordering, retrySchedule }) => ({
            endpointKey: key,
            lane: laneOf(ordering, event),
            dueOn: now + (retrySchedule ? firstDelayMsOf(retrySchedule) : firstDelayMs),
          }))
          const { id: eventId, tenantId, siteId } = event
          messages.push({
            eventId,
            tenantId,
            siteId,
            eventType,
            variant,
            body,
            headers,
            traceparent,
            targets,
          })
        }
      }
      renderings?.forget(events)
      if (messages.length === 0) return
      const keys = await store.storeMessages(executor, messages, now)
      afterCommit(() => {
        spans.end()
        stored(freshDeliveries(messages, keys))
      })
    },
  }
}

/** What was stored, as it would be read. */
function freshDeliveries(messages: readonly MessageToStore[], messageKeys: readonly number[]): DueDelivery[] {
  return messages.flatMap(({ eventId, body, headers, traceparent, targets }, index) => {
    const messageKey = messageKeys[index] as number
    // One for all of them: the bytes are never changed.
    const bytes = Buffer.from(body)
    return targets.map(({ endpointKey, lane, dueOn }) => ({
      endpointKey,
      messageKey,
      eventId,
      body: bytes,
      headers,
      traceparent,
      attemptCount: 0,
      step: 0,
      dueOn,
      lane,
      manual: false,
    }))
  })
}
