import type { PositionedEvent } from '../store/event-store.ts'
import { callSubscriber } from './call-subscriber.ts'
import type { PageHandler, PageOutcome, PageUnderLease } from './page-handler.ts'
import { demandLease, recordFailure } from './record-failure.ts'
import { callSettingsOf, type DistributorRuntime } from './runtime.ts'
import type { IBatchEventSubscriber, Subscription } from './subscription.ts'

/**
 * Hands a page to a batch subscriber in one transaction with the position. After a failure the same
 * events come one at a time, so that the one that fails is found and the others are handled.
 */
export function createBatchHandler<DB>(
  subscription: Subscription<DB>,
  subscriber: IBatchEventSubscriber<DB>,
  runtime: DistributorRuntime<DB>,
): PageHandler {
  const { db, store, leases, control } = runtime
  const { name, wants, retry } = subscription
  const settings = callSettingsOf(subscription, runtime)

  async function handleTogether(
    { fence, signal }: PageUnderLease,
    events: readonly PositionedEvent[],
    position: string,
    attempt: number,
  ): Promise<void> {
    await db.transaction().execute(async (trx) => {
      // First of all the position: it takes the write lock and finds out whether the lease is still ours.
      demandLease(name, await store.savePosition(fence, position, trx.withoutPlugins()))
      await callSubscriber(
        (context) =>
          subscriber.entitiesChanged(
            events.map(({ event }) => event),
            { ...context, trx },
          ),
        attempt,
        settings,
        signal,
      )
    })
  }

  return async function handlePage(under: PageUnderLease): Promise<PageOutcome> {
    const { fence, start, page, signal } = under
    const wanted = page.events.filter(({ event }) => wants(event))
    if (under.failedAttempts === 0) {
      try {
        await handleTogether(under, wanted, page.position, 1)
        return { position: page.position, goOn: !signal.aborted }
      } catch (error) {
        if (signal.aborted) return { position: start, goOn: false }
        demandLease(name, leases.isHeld(fence))
        if (wanted.length > 1) {
          runtime.logger.warn(
            { err: error, subscription: name },
            'A batch failed; its events are tried one by one',
          )
        }
      }
    }
    return handleOneByOne(under, wanted)
  }

  async function handleOneByOne(
    under: PageUnderLease,
    wanted: readonly PositionedEvent[],
  ): Promise<PageOutcome> {
    const { fence, signal } = under
    let position = under.start
    let attempt = under.failedAttempts + 1
    for (const positioned of wanted) {
      for (; ; attempt++) {
        try {
          await handleTogether(under, [positioned], positioned.position, attempt)
          break
        } catch (error) {
          if (signal.aborted) return { position, goOn: false }
          const outcome = await recordFailure(subscription, runtime, fence, positioned, attempt, error)
          if (outcome === 'blocked') return { position, goOn: false }
          if (outcome === 'parked') break
        }
        await control.wait(control.version, retry.delayMs(attempt), signal)
        if (signal.aborted) return { position, goOn: false }
        demandLease(name, leases.isHeld(fence))
      }
      position = positioned.position
      attempt = 1
    }
    return { position, goOn: !signal.aborted }
  }
}
