import type { AttemptResult } from '../deliveries/attempt-result.ts'

/** Counts of attempts. */
export interface Counts {
  succeeded: number
  failed: number
  /** Deliveries that were exhausted. */
  exhausted: number
  /** Latencies of attempts that got a response, or timed out. */
  readonly latency: LatencyHistogram
}

/** Counts of one endpoint and minute, as a batch of results adds them. */
export interface Counters extends Counts {
  readonly endpointKey: number
  readonly fromOn: number
}

/** The resolution of statistics. */
export const MINUTE_MS = 60_000

const MINUTE_SPAN = 2 ** 26

/** Counts of zero. */
export function noCounts(): Counts {
  return { succeeded: 0, failed: 0, exhausted: 0, latency: new Map() }
}

/** Adds other counts. */
export function addCounts(to: Counts, from: Counts): void {
  to.succeeded += from.succeeded
  to.failed += from.failed
  to.exhausted += from.exhausted
  addHistogram(to.latency, from.latency)
}

/** Counts results, by endpoint and by the minute that the attempt began in. */
export function countersOf(results: readonly AttemptResult[]): Counters[] {
  const counters = new Map<number, Counters>()
  for (const { endpointKey, state, status, errorCode, counted, startedOn, durationMs } of results) {
    if (!counted) continue
    const minute = Math.floor(startedOn / MINUTE_MS)
    const key = endpointKey * MINUTE_SPAN + minute
    let entry = counters.get(key)
    if (!entry) {
      entry = { endpointKey, fromOn: minute * MINUTE_MS, ...noCounts() }
      counters.set(key, entry)
    }
    if (state === 'succeeded') entry.succeeded += 1
    else entry.failed += 1
    if (state === 'exhausted') entry.exhausted += 1
    if (status !== null || errorCode === 'timeout') addLatency(entry.latency, durationMs)
  }
  return [...counters.values()]
}

/** Packs the counters of a batch into one string. It is written with every batch, so it is short and quick to make. */
export function packCounters(counters: readonly Counters[]): string {
  let text = ''
  for (const { endpointKey, fromOn, succeeded, failed, exhausted, latency } of counters) {
    text += `${endpointKey},${fromOn / MINUTE_MS},${succeeded},${failed},${exhausted}`
    for (const [size, count] of latency) text += `,${size},${count}`
    text += ';'
  }
  return text
}

/** Unpacks them. */
export function unpackCounters(text: string): Counters[] {
  return text
    .split(';')
    .filter((part) => part !== '')
    .map((part) => {
      const numbers = part.split(',').map(Number)
      const [endpointKey = 0, minute = 0, succeeded = 0, failed = 0, exhausted = 0, ...packed] = numbers
      const latency = new Map<number, number>()
      for (let index = 0; index < packed.length; index += 2) {
        latency.set(packed[index] as number, packed[index + 1] as number)
      }
      return { endpointKey, fromOn: minute * MINUTE_MS, succeeded, failed, exhausted, latency }
    })
}

/**
 * A histogram of durations, in classes up to each power of the fourth root of 2. Two histograms are added class by
 * class, and a percentile is off by at most 9.1 %, and half a millisecond.
 */
export type LatencyHistogram = Map<number, number>

const PER_OCTAVE = 4
const LAST_CLASS = 32 * PER_OCTAVE

/** Adds one duration. */
export function addLatency(histogram: LatencyHistogram, durationMs: number): void {
  const size = durationMs <= 1 ? 0 : Math.min(LAST_CLASS, Math.ceil(Math.log2(durationMs) * PER_OCTAVE))
  histogram.set(size, (histogram.get(size) ?? 0) + 1)
}

/** Adds another histogram. */
export function addHistogram(to: LatencyHistogram, from: LatencyHistogram): void {
  for (const [size, count] of from) to.set(size, (to.get(size) ?? 0) + count)
}

/** The percentile of a share (nearest rank); undefined for an empty histogram. */
export function percentileOf(histogram: LatencyHistogram, share: number): number | undefined {
  const sizes = [...histogram.keys()].sort((a, b) => a - b)
  const total = sizes.reduce((sum, size) => sum + (histogram.get(size) ?? 0), 0)
  const rank = Math.max(1, Math.ceil(share * total))
  let seen = 0
  for (const size of sizes) {
    seen += histogram.get(size) ?? 0
    // The geometric middle of the class.
    if (seen >= rank) return size === 0 ? 1 : Math.round(2 ** ((size - 0.5) / PER_OCTAVE))
  }
  return undefined
}
