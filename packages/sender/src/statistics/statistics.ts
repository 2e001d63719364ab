import type { Clock, FieldNames, Logger } from '@x/events-core'
import { createPeriodic } from '@x/events-engine/internal'
import { readTimeRange } from '../argument.ts'
import { validateTenantId } from '../endpoints/validate.ts'
import { assertArgument } from '../errors.ts'
import type { DeliveryStore } from '../store/store.ts'
import { addCounts, type Counts, noCounts, percentileOf } from './counters.ts'
import { ALL_ENDPOINTS, type StatisticRow } from './rollup.ts'

/** The time range of statistics, within the years 1 to 9999. */
export interface StatisticsQuery {
  /** The first bucket is the one that holds this time. */
  readonly since: Date
  /**
   * The end of the range, exclusive. It may lie in the future.
   * @defaultValue now
   */
  readonly until?: Date | undefined
  /**
   * Seconds that one bucket covers: a multiple of 60, at most 100 years of 365 days, and at most 2000 buckets. What
   * is older than a day is counted by the hour, and stands in the bucket that its hour begins in.
   * @defaultValue the smallest of 1, 5 and 15 minutes, 1 and 6 hours, 1 day and any number of weeks that makes at
   *   most 120 buckets
   */
  readonly bucketSeconds?: number | undefined
}

/** The same, of all endpoints of a tenant together. */
export interface TenantStatisticsQuery extends StatisticsQuery {
  readonly tenantId: number
}

/** Counts of the attempts that began in some time. */
export interface AttemptStatistics {
  /** Succeeded and failed. */
  readonly attempts: number
  readonly succeeded: number
  readonly failed: number
  /** Deliveries that were exhausted. */
  readonly exhausted: number
  /**
   * Latency percentiles: the time from the beginning of an attempt to the end of its response, whatever the status, or
   * to the timeout. Off by at most a tenth. Absent when there were none.
   */
  readonly latency?: { readonly p50Ms: number; readonly p95Ms: number; readonly p99Ms: number }
}

/** One part of the time range. */
export interface StatisticsBucket extends AttemptStatistics {
  /** When it begins: a multiple of `bucketSeconds` since 1970. */
  readonly from: Date
}

/** Attempts over time, ready for a chart. */
export interface Statistics {
  readonly bucketSeconds: number
  /** Of all buckets together. */
  readonly total: AttemptStatistics
  /** In order, without gaps: empty ones are included. */
  readonly buckets: readonly StatisticsBucket[]
}

const WEEK = 7 * 24 * 3_600
const WIDTHS = [60, 300, 900, 3_600, 6 * 3_600, 24 * 3_600]
const FEW_BUCKETS = 120
const MAX_BUCKETS = 2_000
const MAX_BUCKET_SECONDS = 100 * 365 * 24 * 3_600
/** Rows that are added up before other work gets its turn. */
const ROWS_AT_ONCE = 500

const QUERY: FieldNames<StatisticsQuery> = {
  since: true,
  until: true,
  bucketSeconds: true,
}

const TENANT_QUERY: FieldNames<TenantStatisticsQuery> = { tenantId: true, ...QUERY }

/** Buckets side by side, from a multiple of their width on. */
interface Scale {
  readonly widthMs: number
  readonly first: number
  readonly count: number
}

/**
 * Creates the reader of statistics.
 *
 * @param rollUp - called before each read, so that it includes every recorded attempt.
 */
export function createStatisticsReader(store: DeliveryStore, clock: Clock, rollUp: () => Promise<void>) {
  /** @throws WebhookSenderError `invalid_argument` */
  return async function read(
    tenantId: number,
    endpointKey: number,
    query: StatisticsQuery,
  ): Promise<Statistics> {
    const asked = assertArgument.fields('', query, QUERY)
    assertArgument(asked.since !== undefined, 'since', 'a valid Date of the years 1 to 9999', asked.since)
    const end = asked.until ?? new Date(clock.now() + 1)
    const { since = 0, until = 0 } = readTimeRange(['since', asked.since], ['until', end])
    const scale = scaleOf(since, until, asked.bucketSeconds)
    await rollUp()
    const { first, widthMs, count } = scale
    const rows = await store.readStatistics({
      tenantId,
      endpointKey,
      since: first,
      until: first + count * widthMs,
    })
    return summaryOf(rows, scale)
  }
}

/** Creates the reader of the statistics of all endpoints of a tenant. */
export function createTenantStatistics(read: ReturnType<typeof createStatisticsReader>) {
  return async (query: TenantStatisticsQuery): Promise<Statistics> => {
    const { tenantId, ...time } = assertArgument.fields('', query, TENANT_QUERY)
    return read(validateTenantId(tenantId), ALL_ENDPOINTS, time)
  }
}

async function summaryOf(
  rows: readonly StatisticRow[],
  { first, widthMs, count }: Scale,
): Promise<Statistics> {
  const counts = Array.from({ length: count }, noCounts)
  const total = noCounts()
  for (const [index, row] of rows.entries()) {
    if (index % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await new Promise(setImmediate)
    addCounts(counts[Math.floor((row.fromOn - first) / widthMs)] as Counts, row)
    addCounts(total, row)
  }
  return {
    bucketSeconds: widthMs / 1_000,
    total: statisticsOf(total),
    buckets: counts.map((one, index) => ({ from: new Date(first + index * widthMs), ...statisticsOf(one) })),
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

function scaleOf(since: number, until: number, bucketSeconds: number | undefined): Scale {
  if (bucketSeconds === undefined) {
    const fine = WIDTHS.map((seconds) => scaleIn(since, until, seconds))
    return fine.find(({ count }) => count <= FEW_BUCKETS) ?? scaleInWeeks(since, until)
  }
  assertArgument.integer('bucketSeconds', bucketSeconds, 60, MAX_BUCKET_SECONDS)
  assertArgument(bucketSeconds % 60 === 0, 'bucketSeconds', 'a multiple of 60', bucketSeconds)
  const scale = scaleIn(since, until, bucketSeconds)
  const fits = scale.count <= MAX_BUCKETS
  assertArgument(fits, 'bucketSeconds', `long enough to make at most ${MAX_BUCKETS} buckets`, bucketSeconds)
  return scale
}

function scaleInWeeks(since: number, until: number): Scale {
  // One bucket fewer, since the first one may begin before the time range.
  const weeks = Math.ceil((until - since) / 1_000 / WEEK / (FEW_BUCKETS - 1))
  return scaleIn(since, until, weeks * WEEK)
}

function scaleIn(since: number, until: number, seconds: number): Scale {
  const widthMs = seconds * 1_000
  const first = Math.floor(since / widthMs) * widthMs
  // At least the bucket that since is in.
  return { widthMs, first, count: Math.max(1, Math.ceil((until - first) / widthMs)) }
}

/** Adds counters to the statistics. */
export interface StatisticsRollup {
  /** Rolls up everything that is recorded. */
  rollUp(): Promise<void>
  /** Attempts were recorded: rolls them up soon. */
  rollUpSoon(): void
  start(): void
  stop(): Promise<void>
}

const ROLL_UP_AFTER_MS = 2_000
/** How often a run looks for all counters, and not only for those behind what was rolled up before. */
const ALL_EVERY_MS = 60_000
const BATCHES_AT_ONCE = 100

/**
 * Creates the rollup. The transaction that records a batch of attempts counts them in one short row, whatever they are
 * about; the rollup adds many such rows at once to the minutes of their endpoints.
 */
export function createStatisticsRollup(store: DeliveryStore, logger: Logger): StatisticsRollup {
  /** Where the last run ended, and the one before it: a transaction that drew a lower key may commit after a run. */
  let reached = 0
  let reachedBefore = 0
  let allAt = 0

  async function rollUpAfter(key: number): Promise<number> {
    let last = key
    for (let more = true; more; ) {
      ;({ last, more } = await store.rollUpCounters(BATCHES_AT_ONCE, last))
      if (more) await new Promise(setImmediate)
    }
    return last
  }

  const loop = createPeriodic({
    async run() {
      const isAll = performance.now() >= allAt
      const last = await rollUpAfter(isAll ? 0 : reachedBefore)
      if (isAll) allAt = performance.now() + ALL_EVERY_MS
      reachedBefore = reached
      reached = Math.max(reached, last)
    },
    failed(error) {
      logger.warn(
        { err: error },
        'Counters could not be added to the statistics of webhooks; trying again later',
      )
      loop.within(ROLL_UP_AFTER_MS)
    },
    // The first run takes what an earlier process has left.
    firstAfterMs: ROLL_UP_AFTER_MS,
    everyMs: Number.POSITIVE_INFINITY,
  })

  return {
    rollUp: async () => void (await rollUpAfter(0)),
    rollUpSoon: () => loop.within(ROLL_UP_AFTER_MS),
    start: loop.start,
    stop: loop.stop,
  }
}
