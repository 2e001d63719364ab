import { type Clock, eventTypeOf } from '@x/events-core'
import type { IBatchEventSubscriber } from '@x/events-engine'
import type { SqlExecutor } from '@x/events-engine/support'
import type { DeliveryStore, MessageToStore } from './delivery-store.ts'
import { createEndpointMatcher, type EndpointMatcher } from './endpoint-matcher.ts'
import type { LaneOf } from './endpoints/ordering.ts'
import { createFanOutSpans } from './observability/fan-out-spans.ts'
import { renderMessage } from './render-message.ts'
import { firstDelayMsOf } from './worker/retry-schedule.ts'

/** What {@link createWebhookSubscriber} works with. */
export interface WebhookSubscriberParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  readonly maxBodyBytes: number
  readonly firstDelayMs: number
  readonly laneOf: LaneOf
  /** Called with the endpoints that have something due once the transaction is committed. */
  due(endpointKeys: ReadonlySet<number>): void
}

/**
 * Turns events into messages and deliveries, in the transaction that moves the subscription on: each
 * event becomes deliveries exactly once, whatever crashes.
 */
export function createWebhookSubscriber<DB>(parts: WebhookSubscriberParts): IBatchEventSubscriber<DB> {
  const { store, clock, maxBodyBytes, firstDelayMs, laneOf, due } = parts
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

  return {
    async entitiesChanged(events, { trx }) {
      const executor = trx.withoutPlugins()
      const { match } = await currentMatcher(executor)
      const now = clock.now()
      const messages: MessageToStore[] = []
      const endpointKeys = new Set<number>()
      const spans = createFanOutSpans()
      for (const event of events) {
        const matched = match(event, eventTypeOf(event))
        if (matched.length === 0) continue
        const { eventType, body } = renderMessage(event, maxBodyBytes)
        const targets = matched.map(({ key, ordering, retrySchedule }) => ({
          endpointKey: key,
          lane: laneOf(ordering, event),
          dueOn: now + (retrySchedule ? firstDelayMsOf(retrySchedule) : firstDelayMs),
        }))
        const traceparent = spans.begin(event, eventType, targets.length)
        messages.push({ eventId: event.id, eventType, body, traceparent, targets })
        for (const { key } of matched) endpointKeys.add(key)
      }
      if (messages.length === 0) return
      await store.storeMessages(executor, messages, now)
      spans.end()
      due(endpointKeys)
    },
  }
}
