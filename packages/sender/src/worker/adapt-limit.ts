import type { AttemptOrder } from './endpoint-health.ts'
import type { Lane } from './lane.ts'

const FAST_MS = 1_000

/** How an attempt went, as far as the number of requests at once is concerned. */
export interface Pace extends AttemptOrder {
  readonly inTrouble: boolean
  readonly durationMs: number
}

/**
 * Additive increase, multiplicative decrease: one more for each fast answer, half as many after a
 * failure. Those that were under way together fail together, and count once.
 */
export function adaptLimit(lane: Lane, { begun, latest, inTrouble, durationMs }: Pace): void {
  const { min, max } = lane.target?.concurrency ?? { min: 1, max: lane.limit }
  const limit = Math.min(lane.limit, max)
  if (!inTrouble) {
    lane.limit = durationMs <= FAST_MS ? Math.min(max, limit + 1) : limit
  } else if (begun > lane.loweredAt) {
    lane.limit = Math.max(min, Math.floor(limit / 2))
    lane.loweredAt = latest
  } else {
    lane.limit = limit
  }
}
