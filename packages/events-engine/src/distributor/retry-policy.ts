import { EventEngineError, shown } from '../errors.ts'

/** How often, and after which pauses, a failing event is tried again. */
export interface RetryOptions {
  /**
   * Tries altogether, the first one included.
   * @defaultValue 10
   */
  readonly maxAttempts?: number | undefined
  /**
   * Pause before the first retry, in milliseconds; each further one is twice as long.
   * @defaultValue 100
   */
  readonly firstDelayMs?: number | undefined
  /**
   * Longest pause, in milliseconds.
   * @defaultValue 30000
   */
  readonly maxDelayMs?: number | undefined
}

export interface RetryPolicy {
  readonly maxAttempts: number
  /** Milliseconds to wait after so many failed tries; between half and the whole of the doubled pause. */
  delayMs(failedAttempts: number): number
}

/** @throws EventEngineError `invalid_option` */
export function createRetryPolicy(
  options: RetryOptions = {},
  random: () => number = Math.random,
): RetryPolicy {
  const { maxAttempts = 10, firstDelayMs = 100, maxDelayMs = 30_000 } = options
  atLeast('maxAttempts', maxAttempts, 1)
  atLeast('firstDelayMs', firstDelayMs, 0)
  atLeast('maxDelayMs', maxDelayMs, firstDelayMs)
  return {
    maxAttempts,
    delayMs(failedAttempts) {
      const pause = Math.min(maxDelayMs, firstDelayMs * 2 ** (failedAttempts - 1))
      return pause / 2 + (pause / 2) * random()
    },
  }
}

function atLeast(name: string, value: number, minimum: number): void {
  if (Number.isSafeInteger(value) && value >= minimum) return
  throw new EventEngineError(
    'invalid_option',
    `subscribe: options.retry.${name} must be an integer of at least ${minimum}; got ${shown(value)}.`,
  )
}
