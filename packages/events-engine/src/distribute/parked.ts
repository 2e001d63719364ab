import type { SyncEvent } from '@x/events-core'
import type { Transaction } from 'kysely'
import { limitIdle, sqlOf } from '../sql/dialects.ts'
import { OWN_LEVEL, transact } from '../sql/transact.ts'
import { createAfterCommit, withPrepared } from './batches.ts'
import { callSubscriber, createConflicts, endsWork, Interruption } from './call.ts'
import { storeErrorText } from './failures.ts'
import { callSettingsOf, type DistributorRuntime, idleMsOf, type LeasedSubscription } from './runtime.ts'
import { isBatchSubscriber, type Subscription } from './subscription.ts'

/**
 * Retries the parked events that a person has resumed: once each, and once more where they do so meanwhile. An event that
 * fails again is parked again.
 */
export async function retryParked<DB>(
  subscription: Subscription<DB>,
  runtime: DistributorRuntime<DB>,
  { signal, goOn, pause }: LeasedSubscription,
): Promise<void> {
  const { db, store, logger, observer } = runtime
  const { name, subscriber } = subscription
  const settings = callSettingsOf(subscription, runtime)

  async function handle(event: SyncEvent, attempt: number): Promise<void> {
    if (!isBatchSubscriber(subscriber)) {
      const call = { events: [event], attempt }
      await callSubscriber((context) => subscriber.entityChanged(event, context), call, settings, signal)
      await store.deleteParked(name, event.id)
      return
    }
    const call = { events: [event], attempt }
    await withPrepared(subscriber, { ...call, settings, signal }, async (prepared) => {
      const committed = createAfterCommit(name, logger)
      let isCalled = false
      const remove = async (trx: Transaction<DB>) => {
        await limitIdle(trx.withoutPlugins(), sqlOf(db), idleMsOf(subscription))
        // The transaction that deletes it handles it. It may have been another node's, or a try whose commit seemed to fail.
        if ((await store.deleteParked(name, event.id, trx.withoutPlugins())) === 0) return
        isCalled = true
        await callSubscriber(
          (context) =>
            subscriber.entitiesChanged([event], { ...context, trx, prepared, afterCommit: committed.add }),
          call,
          settings,
          signal,
        )
      }
      await transact(db, remove, OWN_LEVEL).catch((error: unknown) => {
        throw isCalled ? error : new Interruption(error)
      })
      committed.run()
    })
  }

  let conflicts = createConflicts()
  while (goOn()) {
    const parked = await store.nextResumable(name)
    if (!parked) return
    const attempt = parked.attempts + 1
    try {
      await handle(parked.event, attempt)
      observer.handled(name, [parked.event])
    } catch (error) {
      if (signal.aborted) return
      const details = { err: error, subscription: name, eventId: parked.event.id, attempt }
      const pauseMs = conflicts.pauseMsAfter(error)
      if (pauseMs !== undefined) {
        logger.info(details, 'A resumed event had to give way to another transaction; the try does not count')
        await pause(pauseMs)
        continue
      }
      if (endsWork(error)) throw error
      logger.error(details, 'A resumed event failed again')
      await storeErrorText(error, (text) =>
        store.parkAgain(name, parked.event.id, attempt, text, parked.request),
      )
      observer.failed(name, error)
      observer.parked(name)
    }
    conflicts = createConflicts()
  }
}
