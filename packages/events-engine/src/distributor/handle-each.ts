import type { IEventSubscriber } from '@x/events-core'
import type { Fence, PositionedEvent } from '../store/event-store.ts'
import { callSubscriber } from './call-subscriber.ts'
import type { PageHandler, PageOutcome, PageUnderLease } from './page-handler.ts'
import { demandLease, recordFailure } from './record-failure.ts'
import { callSettingsOf, type DistributorRuntime } from './runtime.ts'
import type { Subscription } from './subscription.ts'

/** After so long a position is saved although the page has not ended, so that a crash repeats less. */
const SAVE_EVERY_MS = 200

type EventOutcome = 'handled' | 'parked' | 'blocked' | 'stopped'

/** Hands events to a subscriber one after the other; a failing one is tried again before the next. */
export function createEachHandler<DB>(
  subscription: Subscription<DB>,
  subscriber: IEventSubscriber,
  runtime: DistributorRuntime<DB>,
): PageHandler {
  const { store, leases, control, clock } = runtime
  const { name, wants, retry } = subscription
  const settings = callSettingsOf(subscription, runtime)

  async function handlePage({
    fence,
    start,
    page,
    failedAttempts,
    signal,
  }: PageUnderLease): Promise<PageOutcome> {
    let reached = start
    let saved = start
    let savedAt = clock.now()
    let failedBefore = failedAttempts

    async function save(): Promise<void> {
      if (saved === reached) return
      demandLease(name, await store.savePosition(fence, reached))
      saved = reached
      savedAt = clock.now()
    }

    for (const positioned of page.events) {
      if (signal.aborted) break
      demandLease(name, leases.isHeld(fence))
      if (wants(positioned.event)) {
        const outcome = await handleEvent(fence, positioned, failedBefore, save, signal)
        if (outcome === 'stopped') break
        if (outcome === 'blocked') return { position: reached, goOn: false }
        if (outcome === 'parked') saved = positioned.position
        failedBefore = 0
      }
      reached = positioned.position
      if (clock.now() - savedAt >= SAVE_EVERY_MS) await save()
    }
    await save()
    return { position: reached, goOn: !signal.aborted }
  }

  async function handleEvent(
    fence: Fence,
    positioned: PositionedEvent,
    failedBefore: number,
    saveEarlier: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<EventOutcome> {
    for (let attempt = failedBefore + 1; ; attempt++) {
      try {
        await callSubscriber(
          (context) => subscriber.entityChanged(positioned.event, context),
          attempt,
          settings,
          signal,
        )
        return 'handled'
      } catch (error) {
        // What fails because the engine stops is tried again after the next start.
        if (signal.aborted) return 'stopped'
        await saveEarlier()
        const outcome = await recordFailure(subscription, runtime, fence, positioned, attempt, error)
        if (outcome !== 'retry') return outcome
      }
      await control.wait(control.version, retry.delayMs(attempt), signal)
      if (signal.aborted) return 'stopped'
      demandLease(name, leases.isHeld(fence))
    }
  }

  return handlePage
}
