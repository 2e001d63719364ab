/** How much of the log lies behind a position. */
export interface Lag {
  /** Committed events, at most {@link MAX_COUNTED}. */
  readonly events: number
  /** Whether there are more than were counted. */
  readonly capped: boolean
  /** When the oldest of them was raised. */
  readonly oldest: Date | undefined
}

/** Counting on would cost more than anybody learns from it. */
export const MAX_COUNTED = 10_000

/** @param counted - up to one more than {@link MAX_COUNTED}, which tells that there are more. */
export function lagOf(counted: number, oldestMs: number | null): Lag {
  return {
    events: Math.min(counted, MAX_COUNTED),
    capped: counted > MAX_COUNTED,
    oldest: oldestMs === null ? undefined : new Date(oldestMs),
  }
}
