import type { Logger } from '@x/events-core'
import type { DeliveryStore } from '../delivery-store.ts'

/** Adds what batches have counted to the statistics, now and then. */
export interface TallyKeeper {
  /** A store that leads to the next adding up by what it records. */
  counting(store: DeliveryStore): DeliveryStore
  /** Adds everything up that is recorded. */
  fold(): Promise<void>
  start(): void
  stop(): Promise<void>
}

const EVERY_MS = 2_000
const AT_ONCE = 100

/**
 * Attempts are counted in the transaction that records them, by one short row whatever they are about;
 * what those rows say is added to each endpoint's minutes later, for many of them at once.
 */
export function createTallyKeeper(store: DeliveryStore, logger: Logger): TallyKeeper {
  let running = false
  let timer: NodeJS.Timeout | undefined
  let folding: Promise<void> = Promise.resolve()

  async function fold(): Promise<void> {
    while (await store.foldTallies(AT_ONCE)) await new Promise(setImmediate)
  }

  function foldSoon(): void {
    if (!running) return
    timer ??= setTimeout(() => {
      folding = fold()
        .catch((error: unknown) =>
          logger.warn({ err: error }, 'Attempts could not be added up; trying again later'),
        )
        .finally(() => {
          timer = undefined
        })
    }, EVERY_MS).unref()
  }

  return {
    counting: (inner) => ({
      ...inner,
      async recordAttempts(batch, tell) {
        await inner.recordAttempts(batch, tell)
        foldSoon()
      },
    }),
    fold,
    start() {
      running = true
      // What a process before has left.
      foldSoon()
    },
    async stop() {
      running = false
      clearTimeout(timer)
      timer = undefined
      await folding
    },
  }
}
