import type { Clock } from '@x/events-core'
import type { DeliveryStore } from '../delivery-store.ts'
import { shown, WebhookSenderError } from '../errors.ts'
import { percentileOf } from './latency-histogram.ts'
import type { StatisticRow } from './statistic-row.ts'
import { addCounts, type Counts, noCounts } from './tally.ts'

/** Which time statistics are about. */
export interface StatisticsQuery {
  /** From the bucket that holds it. */
  readonly since: Date
  /**
   * Until before this time.
   * @defaultValue now
   */
  readonly until?: Date | undefined
  /**
   * Seconds that one bucket covers: a multiple of 60, and at most 2000 buckets. What is older than a day
   * is counted by the hour, and stands in the bucket that its hour begins in.
   * @defaultValue the smallest of 1, 5 and 15 minutes, 1 and 6 hours, 1 and 7 days that makes at most 120 buckets
   */
  readonly bucketSeconds?: number | undefined
}

/** The same, of everything that a tenant's endpoints have got. */
export interface TenantStatisticsQuery extends StatisticsQuery {
  readonly tenantId: number
}

/** Counts of the attempts that began in some time. */
export interface AttemptStatistics {
  /** Succeeded and failed. */
  readonly attempts: number
  readonly succeeded: number
  readonly failed: number
  /** Deliveries that came to their end without success. */
  readonly exhausted: number
  /**
   * How long attempts took until they were answered, whatever the answer, or given up after `timeoutMs`: half,
   * 95 and 99 of 100 took no longer. Off by at most a tenth. Absent when there were none.
   */
  readonly latency?: { readonly p50Ms: number; readonly p95Ms: number; readonly p99Ms: number }
}

/** One part of the time that was asked for. */
export interface StatisticsBucket extends AttemptStatistics {
  /** When it begins: a multiple of `bucketSeconds` since 1970. */
  readonly from: Date
}

/** What was attempted over time, ready for a chart. */
export interface Statistics {
  readonly bucketSeconds: number
  /** Of all buckets together. */
  readonly total: AttemptStatistics
  /** One after the other, the empty ones included. */
  readonly buckets: readonly StatisticsBucket[]
}

const WIDTHS = [60, 300, 900, 3_600, 6 * 3_600, 24 * 3_600, 7 * 24 * 3_600]
const FEW_BUCKETS = 120
const MAX_BUCKETS = 2_000

/** Creates what answers with statistics. */
export function createStatisticsReader(store: DeliveryStore, clock: Clock, fold: () => Promise<void>) {
  /** @throws WebhookSenderError `invalid_argument` */
  return async function read(
    tenantId: number,
    endpointKey: number,
    query: StatisticsQuery,
  ): Promise<Statistics> {
    const until = timeOf('until', query.until ?? new Date(clock.now() + 1))
    const since = timeOf('since', query.since)
    if (since > until) throw invalid('since', 'no later than until', query.since)
    const width = widthOf(since, until, query.bucketSeconds) * 1_000
    const first = Math.floor(since / width) * width
    // At least the bucket that since is in.
    const count = Math.max(1, Math.ceil((until - first) / width))
    await fold()
    const rows = await store.readStatistics({
      tenantId,
      endpointKey,
      since: first,
      until: first + count * width,
    })
    return summaryOf(rows, first, width, count)
  }
}

function summaryOf(rows: readonly StatisticRow[], first: number, width: number, count: number): Statistics {
  const counts = Array.from({ length: count }, noCounts)
  const total = noCounts()
  for (const row of rows) {
    addCounts(counts[Math.floor((row.fromOn - first) / width)] as Counts, row)
    addCounts(total, row)
  }
  return {
    bucketSeconds: width / 1_000,
    total: statisticsOf(total),
    buckets: counts.map((one, index) => ({ from: new Date(first + index * width), ...statisticsOf(one) })),
  }
}

function statisticsOf({ succeeded, failed, exhausted, latency }: Counts): AttemptStatistics {
  const [p50Ms, p95Ms, p99Ms] = [0.5, 0.95, 0.99].map((share) => percentileOf(latency, share))
  return {
    attempts: succeeded + failed,
    succeeded,
    failed,
    exhausted,
    ...(p50Ms === undefined || p95Ms === undefined || p99Ms === undefined
      ? {}
      : { latency: { p50Ms, p95Ms, p99Ms } }),
  }
}

function widthOf(since: number, until: number, bucketSeconds: number | undefined): number {
  const countOf = (seconds: number) => Math.ceil((until - since) / 1_000 / seconds)
  if (bucketSeconds === undefined) {
    return WIDTHS.find((seconds) => countOf(seconds) <= FEW_BUCKETS) ?? (WIDTHS.at(-1) as number)
  }
  const isWhole = Number.isSafeInteger(bucketSeconds) && bucketSeconds >= 60 && bucketSeconds % 60 === 0
  if (isWhole && countOf(bucketSeconds) <= MAX_BUCKETS) return bucketSeconds
  throw invalid('bucketSeconds', `a multiple of 60 that makes at most ${MAX_BUCKETS} buckets`, bucketSeconds)
}

function timeOf(field: string, value: unknown): number {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime()
  throw invalid(field, 'a valid Date', value)
}

function invalid(field: string, expected: string, value: unknown): WebhookSenderError {
  return new WebhookSenderError(
    'invalid_argument',
    `statistics: ${field} must be ${expected}; got ${shown(value)}.`,
    { field },
  )
}
