import type { Logger } from '@x/events-core'

/** Looks again and again, the less often the less there is. */
export interface Poll {
  /** Look soon; many calls are one look. */
  now(): void
  /** Look, and tell when it is done. */
  look(): Promise<void>
  start(): void
  stop(): Promise<void>
}

const SHORTEST_MS = 20
const BACK_OFF = 1.5
/** After an error, which may have hidden something. */
const AGAIN_MS = 1_000

/**
 * The truth lies in the database, where other processes write too; being told is only quicker. Timers
 * are the machine's, whatever the engine's clock says: what is watched is not time.
 *
 * @param look - answers whether it has found something.
 */
export function createPoll(look: () => Promise<boolean>, longestMs: number, logger: Logger): Poll {
  let running = false
  let looking: Promise<void> | undefined
  let again = false
  let timer: NodeJS.Timeout | undefined
  let delayMs = SHORTEST_MS

  async function lookOnce(): Promise<void> {
    do {
      again = false
      try {
        if (await look()) delayMs = SHORTEST_MS
        else delayMs = Math.min(delayMs * BACK_OFF, longestMs)
      } catch (error) {
        delayMs = Math.min(longestMs, AGAIN_MS)
        logger.warn({ err: error }, 'Due endpoints could not be looked for; trying again')
      }
    } while (again && running)
    // In the same turn as the last check: a call in between would be taken for a part of this look.
    looking = undefined
    if (running) timer = setTimeout(lookNow, delayMs)
  }

  function lookNow(): Promise<void> {
    clearTimeout(timer)
    if (looking) again = true
    looking ??= lookOnce()
    return looking
  }

  return {
    now() {
      if (!running) return
      delayMs = SHORTEST_MS
      void lookNow()
    },
    look: lookNow,
    start() {
      running = true
      delayMs = SHORTEST_MS
      void lookNow()
    },
    async stop() {
      running = false
      clearTimeout(timer)
      await looking
    },
  }
}
