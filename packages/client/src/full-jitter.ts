/** Bounds of the wait between a failure and the next try. */
export interface RetryBounds {
  readonly retryBaseMs: number
  readonly retryMaxMs: number
}

/**
 * How long to wait after so many failures in a row: anything between nothing and a bound that
 * doubles each time. Spread over the whole range, so that clients which lost their server at the
 * same moment do not all return at the same moment.
 */
export function fullJitter(failures: number, bounds: RetryBounds, random = Math.random): number {
  const bound = Math.min(bounds.retryMaxMs, bounds.retryBaseMs * 2 ** (failures - 1))
  return Math.floor(random() * bound)
}
