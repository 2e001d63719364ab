import type { SyncEvent } from '@x/events-core'
import { callSubscriber } from './call-subscriber.ts'
import { messageOf } from './record-failure.ts'
import { callSettingsOf, type DistributorRuntime } from './runtime.ts'
import { isBatchSubscriber, type Subscription } from './subscription.ts'

/** Tries the parked events that a person has resumed, once each; what fails again is parked again. */
export async function retryParked<DB>(
  subscription: Subscription<DB>,
  runtime: DistributorRuntime<DB>,
  signal: AbortSignal,
): Promise<void> {
  const { db, store, logger } = runtime
  const { name, subscriber } = subscription
  const settings = callSettingsOf(subscription, runtime)

  async function handle(event: SyncEvent, attempt: number): Promise<void> {
    if (!isBatchSubscriber(subscriber)) {
      await callSubscriber((context) => subscriber.entityChanged(event, context), attempt, settings, signal)
      await store.deleteParked(name, event.id)
      return
    }
    await db.transaction().execute(async (trx) => {
      await store.deleteParked(name, event.id, trx.withoutPlugins())
      await callSubscriber(
        (context) => subscriber.entitiesChanged([event], { ...context, trx }),
        attempt,
        settings,
        signal,
      )
    })
  }

  while (!signal.aborted) {
    const parked = await store.nextResumable(name)
    if (!parked) return
    const attempt = parked.attempts + 1
    try {
      await handle(parked.event, attempt)
    } catch (error) {
      if (signal.aborted) return
      logger.error(
        { err: error, subscription: name, eventId: parked.event.id, attempt },
        'A resumed event failed again',
      )
      await store.parkAgain(name, parked.event.id, attempt, messageOf(error))
    }
  }
}
