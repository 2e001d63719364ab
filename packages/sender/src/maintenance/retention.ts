import type { Clock, Logger } from '@x/events-core'
import { createPeriodic, type Periodic } from '@x/events-engine/internal'
import type { StraightMark } from '../store/purge.ts'
import type { DeliveryStore } from '../store/store.ts'

/** What {@link createRetention} needs. */
export interface RetentionParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  readonly logger: Logger
  readonly retentionMs: number
  readonly auditLogRetentionMs: number
  /**
   * Has the log keep its events from one on.
   *
   * @param first - the first that a delivery needs; undefined where none does.
   */
  holdEvents(first: number | undefined): Promise<void>
}

const FIRST_AFTER_MS = 60 * 1_000
const HOUR_MS = 60 * 60 * 1_000
const AT_ONCE = 500
const MINUTES_KEPT_MS = 24 * HOUR_MS
const BEFORE_ALL = { tenantId: Number.MIN_SAFE_INTEGER, endpointKey: 0 }

const startOfHour = (time: number) => Math.floor(time / HOUR_MS) * HOUR_MS

/**
 * Creates the loop that deletes old deliveries and jobs, and merges old statistics, once an hour by the engine's clock. It works
 * in small transactions, since on SQLite everything shares one connection.
 */
export function createRetention(parts: RetentionParts): Periodic {
  const { store, clock, logger, retentionMs, holdEvents } = parts

  async function purgeDeliveries(signal: AbortSignal): Promise<void> {
    let after: number | undefined = 0
    while (after !== undefined && !signal.aborted) {
      after = await store.purge(clock.now() - retentionMs, after, AT_ONCE)
      await new Promise(setImmediate)
    }
  }

  /** Those that were sent straight have no message, and need their events in the log. */
  async function purgeStraight(signal: AbortSignal): Promise<void> {
    let mark: StraightMark | undefined
    do {
      mark = await store.purgeStraight(clock.now() - retentionMs, mark, AT_ONCE)
      await new Promise(setImmediate)
    } while (mark && !signal.aborted)
    if (!signal.aborted) await holdEvents(await store.firstEventNeeded())
  }

  /** As long as a delivery is kept, a job may tell who has cancelled it. */
  async function purgeJobs(signal: AbortSignal): Promise<void> {
    let after: number | undefined = 0
    while (after !== undefined && !signal.aborted) {
      after = await store.purgeJobs(clock.now() - retentionMs, after, AT_ONCE)
      await new Promise(setImmediate)
    }
  }

  async function purgeAuditLog(signal: AbortSignal): Promise<void> {
    const before = clock.now() - parts.auditLogRetentionMs
    while ((await store.purgeAuditLog(before, AT_ONCE)) > 0 && !signal.aborted)
      await new Promise(setImmediate)
  }

  async function tidyStatistics(signal: AbortSignal): Promise<void> {
    const now = clock.now()
    const ages = {
      now,
      hoursBefore: startOfHour(now - MINUTES_KEPT_MS),
      dropBefore: startOfHour(now - retentionMs),
    }
    let owner = await store.nextStatistics(BEFORE_ALL)
    while (owner && !signal.aborted) {
      await store.tidyStatistics(owner, ages)
      await new Promise(setImmediate)
      owner = await store.nextStatistics(owner)
    }
  }

  const loop: Periodic = createPeriodic({
    async run(signal) {
      // Counted from the beginning: the clock may advance by hours during a run.
      loop.within(HOUR_MS)
      await purgeDeliveries(signal)
      await purgeStraight(signal)
      // After the deliveries that ask for them.
      await purgeJobs(signal)
      await tidyStatistics(signal)
      await purgeAuditLog(signal)
      if (!signal.aborted) await store.purgeQueue(clock.now() - HOUR_MS)
    },
    failed: (error) =>
      logger.warn({ err: error }, 'Old deliveries could not be deleted; trying again in an hour'),
    firstAfterMs: FIRST_AFTER_MS,
    everyMs: HOUR_MS,
    clock,
  })
  return loop
}
