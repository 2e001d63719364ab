import type { AttemptOrder } from './circuit-breaker.ts'
import type { LeasedEndpoint } from './leased-endpoint.ts'

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
export function adaptLimit(endpoint: LeasedEndpoint, { begun, latest, inTrouble, durationMs }: Pace): void {
  const { min, max } = endpoint.target?.concurrency ?? { min: 1, max: endpoint.limit }
  const limit = Math.min(endpoint.limit, max)
  if (!inTrouble) {
    endpoint.limit = durationMs <= FAST_MS ? Math.min(max, limit + 1) : limit
  } else if (begun > endpoint.loweredAt) {
    endpoint.limit = Math.max(min, Math.floor(limit / 2))
    endpoint.loweredAt = latest
  } else {
    endpoint.limit = limit
  }
}
