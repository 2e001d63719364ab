import type { AttemptResult } from '../deliveries/attempt-result.ts'
import { addHistogram, addLatency, type LatencyHistogram } from './latency-histogram.ts'

/** Counts of attempts. */
export interface Counts {
  succeeded: number
  failed: number
  /** Deliveries that came to their end without success. */
  exhausted: number
  /** How long those took that were answered, or given up after `timeoutMs`. */
  readonly latency: LatencyHistogram
}

/** Counts of one endpoint and minute, as a batch of results adds them. */
export interface Tally extends Counts {
  readonly endpointKey: number
  readonly fromOn: number
}

/** The finest time that is told apart. */
export const MINUTE_MS = 60_000

const MINUTE_SPAN = 2 ** 26

/** Nothing counted. */
export function noCounts(): Counts {
  return { succeeded: 0, failed: 0, exhausted: 0, latency: new Map() }
}

/** Adds what another has counted. */
export function addCounts(to: Counts, from: Counts): void {
  to.succeeded += from.succeeded
  to.failed += from.failed
  to.exhausted += from.exhausted
  addHistogram(to.latency, from.latency)
}

/** Counts results, by endpoint and by the minute that the attempt began in. */
export function tallyOf(results: readonly AttemptResult[]): Tally[] {
  const tallies = new Map<number, Tally>()
  for (const { endpointKey, state, status, errorCode, counted, startedOn, durationMs } of results) {
    if (!counted) continue
    const minute = Math.floor(startedOn / MINUTE_MS)
    const key = endpointKey * MINUTE_SPAN + minute
    let tally = tallies.get(key)
    if (!tally) {
      tally = { endpointKey, fromOn: minute * MINUTE_MS, ...noCounts() }
      tallies.set(key, tally)
    }
    if (state === 'succeeded') tally.succeeded += 1
    else tally.failed += 1
    if (state === 'exhausted') tally.exhausted += 1
    if (status !== null || errorCode === 'timeout') addLatency(tally.latency, durationMs)
  }
  return [...tallies.values()]
}
