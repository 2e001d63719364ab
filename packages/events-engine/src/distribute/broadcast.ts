import type { IEventSubscriber, SyncEvent } from '@x/events-core'
import { callSubscriber } from './call.ts'
import { callSettingsOf, type DistributorRuntime, type SubscriptionRunner } from './runtime.ts'
import type { Subscription } from './subscription.ts'

const IDLE_WAIT_MS = 60_000
const PAUSE_AFTER_ERROR_MS = 500
const PAGE_SIZE = 200

/**
 * Calls a subscriber of this node with every event from now on. The position is kept in memory: after an outage of the
 * database, reading continues where it stopped.
 */
export function createBroadcastRunner<DB>(
  subscription: Subscription<DB>,
  runtime: DistributorRuntime<DB>,
): SubscriptionRunner {
  const { store, wake, lastSeen, look, clock, logger } = runtime
  const { name, subscriber, wants, isIdle = () => false } = subscription
  const settings = callSettingsOf(subscription, runtime)
  const stopping = new AbortController()
  let position = store.startPosition()
  /** The last look for news that had begun when the log was read: it may have found less than was read. */
  let lookBefore = 0
  let loop: Promise<void> = Promise.resolve()

  async function handle(event: SyncEvent, listener: IEventSubscriber): Promise<void> {
    await callSubscriber(
      (context) => listener.entityChanged(event, context),
      { events: [event], attempt: 1 },
      settings,
      stopping.signal,
    )
    settings.observer?.handled(name, [event])
  }

  async function handlePage(): Promise<boolean> {
    if (isIdle()) {
      await passOver()
      return false
    }
    const page = await store.readAfter(position, PAGE_SIZE)
    lookBefore = lastSeen().lastBegun
    for (const { event, position: after } of page.events) {
      if (stopping.signal.aborted) return false
      if ('entityChanged' in subscriber) {
        try {
          if (wants(event)) await handle(event, subscriber)
        } catch (error) {
          settings.observer?.failed(name, error)
          logger.error({ err: error, subscription: name, eventId: event.id }, 'A broadcast subscriber failed')
        }
      }
      position = after
    }
    position = page.position
    return page.events.length > 0 || page.more
  }

  /**
   * Passes over what the looks for news have found. No further: a listener that is added gets every event that is committed
   * from then on. And not back: it may be one that has been removed, and would get events again.
   */
  async function passOver(): Promise<void> {
    // A look that had begun before the last read ended may have found less than was read, so another one is taken.
    if (lastSeen().look <= lookBefore) await look()
    const seen = lastSeen()
    if (isIdle() && seen.position !== undefined && seen.look > lookBefore) position = seen.position
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const seen = wake.version
      try {
        if (!(await handlePage())) await wake.wait(seen, IDLE_WAIT_MS, stopping.signal)
      } catch (error) {
        logger.warn({ err: error, subscription: name }, 'The event log could not be read; trying again')
        await new Promise<void>((resolve) => clock.schedule(resolve, PAUSE_AFTER_ERROR_MS))
      }
    }
  }

  return {
    async start() {
      position = await store.endPosition()
      lookBefore = lastSeen().lastBegun
      loop = run()
    },
    async stop() {
      stopping.abort()
      await loop
    },
  }
}
