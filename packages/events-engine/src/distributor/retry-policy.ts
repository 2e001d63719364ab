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
   * Longest pause, in milliseconds: at most 2147483647, 24 days.
   * @defaultValue 30000
   */
  readonly maxDelayMs?: number | undefined
}

export interface RetryPolicy {
  readonly maxAttempts: number
  /** Milliseconds to wait after so many failed tries; between half and the whole of the doubled pause. */
  delayMs(failedAttempts: number): number
}

/** Beyond it timers fire at once, and attempts do not fit their column. */
const MAX_VALUE = 2 ** 31 - 1
/** Any pause has long reached its maximum by then, and none is Infinity times 0. */
const MAX_DOUBLINGS = 100

/** @throws EventEngineError `invalid_option` */
export function createRetryPolicy(
  options: RetryOptions = {},
  random: () => number = Math.random,
): RetryPolicy {
  const { maxAttempts = 10, firstDelayMs = 100, maxDelayMs = 30_000 } = options
  assertFrom('maxAttempts', maxAttempts, 1)
  assertFrom('firstDelayMs', firstDelayMs, 0)
  assertFrom('maxDelayMs', maxDelayMs, firstDelayMs)
  return {
    maxAttempts,
    delayMs(failedAttempts) {
      const pause = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(failedAttempts - 1, MAX_DOUBLINGS))
      return pause / 2 + (pause / 2) * random()
    },
  }
}

function assertFrom(name: string, value: number, minimum: number): void {
  if (Number.isSafeInteger(value) && value >= minimum && value <= MAX_VALUE) return
  throw new EventEngineError(
    'invalid_option',
    `subscribe: options.retry.${name} must be an integer from ${minimum} to ${MAX_VALUE}; got ${shown(value)}.`,
  )
}
