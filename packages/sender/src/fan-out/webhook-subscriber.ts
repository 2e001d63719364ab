import type { SubscriberContext, SyncEvent } from '@x/events-core'
import { eventTypeOf } from '@x/events-core'
import type { IBatchEventSubscriber } from '@x/events-engine'
import type { AheadHandler, AheadHost } from '@x/events-engine/internal'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import type { Renderings } from '../messages/render.ts'
import type { StoredDelivery } from '../store/messages.ts'
import { dueDelivery, type FanOut, type FanOutParts } from './fan-out.ts'

/** What {@link createWebhookSubscriber} works with. */
export interface WebhookSubscriberParts<DB> extends Pick<FanOutParts, 'store' | 'clock' | 'composer'> {
  readonly fanOut: FanOut
  /** Undefined where nothing is rendered. */
  readonly renderings: Renderings | undefined
  /** Undefined where everything is stored before it is sent. */
  readonly handleAhead: ((host: AheadHost<DB>) => AheadHandler) | undefined
  /** Called with what was stored, once that is committed. */
  stored(deliveries: readonly DueDelivery[]): void
  /** Called, then as well, with the endpoints that have got numbered messages. */
  numbered(endpointKeys: ReadonlySet<number>): void
}

/**
 * Scheduler events into messages and deliveries, in the transaction that moves the subscription on: each
 * event becomes deliveries exactly once, whatever crashes.
 */
export function createWebhookSubscriber<DB>(parts: WebhookSubscriberParts<DB>): IBatchEventSubscriber<DB> {
  const { store, clock, composer, fanOut, renderings, handleAhead, stored, numbered } = parts

  async function prepare(events: readonly SyncEvent[], { signal }: SubscriberContext): Promise<void> {
    const { match } = await fanOut.matcher()
    const tasks = events.flatMap((event) => {
      const eventType = eventTypeOf(event)
      return composer.tasks(event, eventType, match(event, eventType))
    })
    await renderings?.render(tasks, signal)
  }

  const subscriber: IBatchEventSubscriber<DB> = {
    // Without it, the engine begins the transaction at once.
    ...(renderings === undefined ? {} : { prepare }),
    async entitiesChanged(events, context) {
      const executor = context.trx.withoutPlugins()
      const { mayRepeat = false } = context as { readonly mayRepeat?: boolean }
      const planned = await fanOut.plan(events, { executor, mayRepeat })
      renderings?.forget(events)
      const messages = planned.flatMap((one) => one.messages)
      if (messages.length === 0) return
      const { deliveries } = await store.storeMessages(executor, messages, clock.now())
      context.afterCommit(() => {
        const fresh: DueDelivery[] = []
        const withNumbers = new Set<number>()
        for (const message of messages) {
          const body = Buffer.from(message.body)
          for (const target of message.targets) {
            const delivery = deliveries.get(target) as StoredDelivery
            if (delivery.link) withNumbers.add(target.endpointKey)
            if (!target.isPull) fresh.push(dueDelivery(message, target, delivery, body))
          }
        }
        stored(fresh)
        if (withNumbers.size > 0) numbered(withNumbers)
      })
    },
  }
  return handleAhead ? Object.assign(subscriber, { handleAhead }) : subscriber
}
