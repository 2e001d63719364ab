import { type Clock, systemClock } from '@x/events-core'
import { detached } from '../observability/tracing.ts'

/** Work that is repeated until it is stopped. */
export interface Periodic {
  /** True from `start()` to `stop()`. */
  readonly running: boolean
  /** Begins to repeat. Does nothing where it has begun. */
  start(): void
  /** Ends the repetition, aborts the signal of a run under way, and resolves when that run has ended. */
  stop(): Promise<void>
  /**
   * Runs at once, or once more after the run under way: many calls are one run. Does nothing while stopped.
   *
   * @returns a promise that resolves when no run is left to do; it never rejects.
   */
  now(): Promise<void>
  /** Brings the next run forward, so that it begins within `delayMs` milliseconds. Does nothing while stopped. */
  within(delayMs: number): void
}

/** What {@link createPeriodic} repeats, and how often. */
export interface PeriodicOptions {
  /**
   * One run. Runs never overlap.
   *
   * @param signal - aborted by `stop()`.
   */
  run(signal: AbortSignal): Promise<void>
  /** Called with the error of a run that failed. The loop goes on. */
  failed(error: unknown): void
  /**
   * Milliseconds from the end of a run to the next one; a function is called after each run. Infinity: the next
   * run waits for `now()` or `within()`.
   */
  readonly everyMs: number | (() => number)
  /**
   * Milliseconds from `start()` to the first run; 0 runs at once.
   * @defaultValue 0
   */
  readonly firstAfterMs?: number | undefined
  /**
   * Times the runs. Give the engine's clock only where time is the subject, as for retention.
   * @defaultValue the machine's clock, even where the engine has another one
   */
  readonly clock?: Clock | undefined
}

/**
 * Creates a loop that runs, waits and runs again. Everything periodic in these packages is one of these. It works
 * outside of the trace, and of any other asynchronous context, of its callers.
 *
 * @example
 * ```ts
 * import { createPeriodic } from '@x/events-engine/internal'
 *
 * const cleaning = createPeriodic({
 *   run: async (signal) => console.log('clean up until', signal.aborted),
 *   failed: (error) => console.error(error),
 *   everyMs: 60_000,
 * })
 * cleaning.start()
 * await cleaning.stop()
 * ```
 */
export function createPeriodic(options: PeriodicOptions): Periodic {
  const { firstAfterMs = 0, clock = systemClock } = options
  let stopping: AbortController | undefined
  let running: Promise<void> | undefined
  let runAgain = false
  let cancelTimer = () => {}
  let dueOn: number | undefined

  async function runUntilDone(): Promise<void> {
    while (stopping && runAgain) {
      runAgain = false
      try {
        await options.run(stopping.signal)
      } catch (error) {
        options.failed(error)
      }
    }
    running = undefined
    const { everyMs } = options
    if (stopping) arm(typeof everyMs === 'function' ? everyMs() : everyMs)
  }

  function begin(): Promise<void> {
    disarm()
    runAgain = true
    running ??= detached(runUntilDone)
    return running
  }

  /** The earlier of two times counts, so that many calls do not put a run off. */
  function arm(delayMs: number): void {
    if (delayMs === Number.POSITIVE_INFINITY) return
    const now = clock.now()
    // Negative where the timer is late or the clock was set back: that run may be far away.
    const remainingMs = dueOn === undefined ? -1 : dueOn - now
    if (remainingMs >= 0 && remainingMs <= delayMs) return
    cancelTimer()
    dueOn = now + delayMs
    cancelTimer = detached(() => clock.schedule(begin, delayMs))
  }

  function disarm(): void {
    cancelTimer()
    dueOn = undefined
  }

  return {
    get running() {
      return stopping !== undefined
    },
    start() {
      if (stopping) return
      stopping = new AbortController()
      if (firstAfterMs === 0) void begin()
      else arm(firstAfterMs)
    },
    async stop() {
      stopping?.abort()
      stopping = undefined
      disarm()
      await running
    },
    now: () => (stopping ? begin() : Promise.resolve()),
    within(delayMs) {
      if (stopping) arm(delayMs)
    },
  }
}
