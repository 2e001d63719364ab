import type { Clock } from '@x/events-core'

/** Wakes waiters when there may be something to do. A poke is never missed, only merged with others. */
export interface WakeSignal {
  /** A number that every poke changes: read it before looking, hand it to {@link WakeSignal.wait}. */
  readonly version: number
  poke(): void
  /** Resolves at the first poke after `since`, after the time, or when aborted; never rejects. */
  wait(since: number, timeoutMs: number, signal: AbortSignal): Promise<void>
}

/** Creates a signal. */
export function createWakeSignal(clock: Clock): WakeSignal {
  let version = 0
  const waiters = new Set<() => void>()

  return {
    get version() {
      return version
    },
    poke() {
      version += 1
      for (const wake of [...waiters]) wake()
    },
    wait(since, timeoutMs, signal) {
      if (version !== since || signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const done = () => {
          cancel()
          waiters.delete(done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        const cancel = clock.schedule(done, timeoutMs)
        waiters.add(done)
        signal.addEventListener('abort', done)
      })
    },
  }
}
