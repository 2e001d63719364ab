import type { Logger } from '@x/events-core'
import { createPeriodic } from '@x/events-engine/internal'
import type { DeliveryStore } from '../store/store.ts'

/** Tells those who wait for an endpoint's messages that there may be some. */
export interface MessageWatch {
  /** Begins to watch an endpoint: what is committed from now on is noticed. */
  watch(endpointKey: number): WatchedMessages
  /** This process has committed messages of these endpoints. */
  committed(endpointKeys: Iterable<number>): void
  /** Another process may have. */
  look(): void
  /** From now on, those who wait are let go. */
  start(): void
  /** Ends every wait; later ones end at once. */
  stop(): Promise<void>
}

/** A watched endpoint. */
export interface WatchedMessages extends Disposable {
  /**
   * Waits until there may be a message after a number, or the signal is aborted.
   *
   * @returns false where waiting has been stopped.
   */
  next(after: number, signal: AbortSignal): Promise<boolean>
}

/** What {@link createMessageWatch} works with. */
export interface MessageWatchParts {
  readonly store: Pick<DeliveryStore, 'lastNumbers'>
  readonly logger: Logger
  /** Longest time until what another process has committed is found, in milliseconds. */
  readonly pollMaxMs: number
  /** Tells the other processes to look. */
  publish(): void
}

interface Waiter {
  /** Undefined while it does something else. */
  after: number | undefined
  hasNews: boolean
  wake(): void
}

/**
 * Creates what long polls wait with. The commit of this process wakes them at once, that of another one by a
 * notification; one statement for all of them finds what was not published.
 */
export function createMessageWatch({ store, logger, pollMaxMs, publish }: MessageWatchParts): MessageWatch {
  const waiters = new Map<number, Set<Waiter>>()
  let isOver = false

  const loop = createPeriodic({
    async run() {
      const keys = [...waiters].flatMap(([key, some]) =>
        [...some].some(({ after }) => after !== undefined) ? [key] : [],
      )
      if (keys.length === 0) return
      const last = await store.lastNumbers(keys)
      for (const key of keys) {
        for (const waiter of waiters.get(key) ?? []) {
          if ((last.get(key) ?? 0) > (waiter.after ?? Number.POSITIVE_INFINITY)) tell(waiter)
        }
      }
    },
    failed: (error) => logger.warn({ err: error }, 'New messages could not be looked for; trying again'),
    firstAfterMs: pollMaxMs,
    everyMs: pollMaxMs,
  })

  function tell(waiter: Waiter): void {
    waiter.hasNews = true
    waiter.wake()
  }

  return {
    watch(endpointKey) {
      const waiter: Waiter = { after: undefined, hasNews: false, wake() {} }
      const ofEndpoint = waiters.get(endpointKey) ?? new Set()
      waiters.set(endpointKey, ofEndpoint.add(waiter))
      loop.start()
      return {
        async next(after, signal) {
          if (!waiter.hasNews && !isOver && !signal.aborted) {
            waiter.after = after
            await new Promise<void>((resolve) => {
              waiter.wake = resolve
              signal.addEventListener('abort', () => resolve(), { once: true })
            })
            waiter.after = undefined
          }
          waiter.hasNews = false
          return !isOver && !signal.aborted
        },
        [Symbol.dispose]() {
          ofEndpoint.delete(waiter)
          if (ofEndpoint.size === 0 && waiters.get(endpointKey) === ofEndpoint) waiters.delete(endpointKey)
          if (waiters.size === 0) void loop.stop()
        },
      }
    },
    committed(endpointKeys) {
      for (const key of endpointKeys) for (const waiter of waiters.get(key) ?? []) tell(waiter)
      publish()
    },
    look() {
      if (waiters.size > 0) void loop.now()
    },
    start() {
      isOver = false
    },
    async stop() {
      isOver = true
      for (const some of waiters.values()) for (const waiter of some) waiter.wake()
      await loop.stop()
    },
  }
}
