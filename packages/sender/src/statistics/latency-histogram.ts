/**
 * Durations, counted by size: how many there were up to each power of the fourth root of 2. Two are
 * added by adding their counts, and a percentile is off by at most 9.1 %, and half a millisecond.
 */
export type LatencyHistogram = Map<number, number>

const PER_OCTAVE = 4
const LAST_CLASS = 32 * PER_OCTAVE

/** Counts one. */
export function addLatency(histogram: LatencyHistogram, durationMs: number): void {
  const size = durationMs <= 1 ? 0 : Math.min(LAST_CLASS, Math.ceil(Math.log2(durationMs) * PER_OCTAVE))
  histogram.set(size, (histogram.get(size) ?? 0) + 1)
}

/** Adds the counts of another. */
export function addHistogram(to: LatencyHistogram, from: LatencyHistogram): void {
  for (const [size, count] of from) to.set(size, (to.get(size) ?? 0) + count)
}

/** The duration that this share of them did not exceed (nearest rank); undefined when there were none. */
export function percentileOf(histogram: LatencyHistogram, share: number): number | undefined {
  const sizes = [...histogram.keys()].sort((a, b) => a - b)
  const total = sizes.reduce((sum, size) => sum + (histogram.get(size) ?? 0), 0)
  const rank = Math.max(1, Math.ceil(share * total))
  let seen = 0
  for (const size of sizes) {
    seen += histogram.get(size) ?? 0
    // The middle of what the class holds, by ratio.
    if (seen >= rank) return size === 0 ? 1 : Math.round(2 ** ((size - 0.5) / PER_OCTAVE))
  }
  return undefined
}
