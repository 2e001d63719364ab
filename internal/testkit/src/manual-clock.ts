import type { Clock } from '@x/events-core'

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves the time forward, calling on the way what was scheduled, in order. */
  advance(ms: number): Promise<void>
  /**
   * Moves the time forward at once, as a machine that was asleep does: what was due meanwhile is called
   * once, late. Days cost no more than seconds, whatever ticks.
   */
  jump(ms: number): Promise<void>
}

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** Creates a clock that stands at a time (default: now) until it is advanced. */
export function manualClock(startMs = Date.now()): ManualClock {
  let now = startMs
  const timers = new Set<Timer>()
  const nextTimer = (until: number) =>
    [...timers].filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0]
  // Work that a timer starts may take several turns (database, sockets) before it sets the next one.
  const settle = () => new Promise<void>((resolve) => setTimeout(resolve, 1))

  return {
    now: () => now,
    schedule(callback, delayMs) {
      const timer = { at: now + delayMs, callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    async advance(ms) {
      const until = now + ms
      await settle()
      for (let timer = nextTimer(until); timer; timer = nextTimer(until)) {
        timers.delete(timer)
        now = Math.max(now, timer.at)
        timer.callback()
        await settle()
      }
      now = until
      await settle()
    },
    async jump(ms) {
      now += ms
      for (const timer of [...timers].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)) {
        timers.delete(timer)
        timer.callback()
      }
      await settle()
    },
  }
}
