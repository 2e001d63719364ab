import { type Clock, type Logger, systemClock } from '@x/events-core'
import { readRows, real, type SqlDialect, type SqlExecutor } from '@x/events-engine/internal'

/** A clock that all nodes of a database share. */
export interface SharedClock extends Clock {
  /** Synchronizes with the database, unless it did so within the last second. */
  sync(): Promise<void>
  /** The latest time that `now()` has returned; 0 for the database's clock, which is not watched. */
  readonly latest: number
  /** Accepts an earlier time as the latest, after the clock was set back. */
  settle(now: number): void
}

const OFTEN_MS = 1_000
const DRIFT = 0.001

/**
 * The database's clock: read from time to time, and advanced in between by the process's own monotonic clock. Times
 * that nodes store and compare agree to half of a round trip, however wrong the clocks of their machines are.
 */
export function createDatabaseClock(db: SqlExecutor, sql: SqlDialect): SharedClock {
  const statement = `select ${sql.clock} as now`
  // The machine's own time, until the database was read.
  let base = Date.now()
  let askedAt = performance.now()
  let uncertainMs = Number.POSITIVE_INFINITY
  let asking: Promise<void> | undefined

  async function ask(): Promise<void> {
    const sentAt = performance.now()
    const [row] = await readRows(db, { now: real }, statement)
    const halfMs = (performance.now() - sentAt) / 2
    // A slow reading is less exact than an older one that was quick.
    if (halfMs > uncertainMs + (sentAt - askedAt) * DRIFT) return
    base = row?.now ?? Date.now()
    askedAt = sentAt + halfMs
    uncertainMs = halfMs
  }

  return {
    latest: 0,
    settle() {},
    now: () => Math.floor(base + performance.now() - askedAt),
    schedule: (callback, delayMs) => systemClock.schedule(callback, delayMs),
    async sync() {
      if (performance.now() - askedAt < OFTEN_MS && uncertainMs !== Number.POSITIVE_INFINITY) return
      asking ??= ask().finally(() => {
        asking = undefined
      })
      await asking
    },
  }
}

/** A clock that needs no synchronizing: a test's, or that of the one machine whose processes share a file. */
export function asSharedClock(clock: Clock): SharedClock {
  let latest = 0
  return {
    get latest() {
      return latest
    },
    settle(now) {
      latest = now
    },
    now() {
      // Whole milliseconds, whatever a test's clock counts in: PostgreSQL takes no others.
      const now = Math.floor(clock.now())
      if (now > latest) latest = now
      return now
    },
    schedule: (callback, delayMs) => clock.schedule(callback, delayMs),
    sync: async () => {},
  }
}

/**
 * The clock by which due times are stored and compared. Where nodes may run on many machines, it is the database's. An engine that was given a clock uses it, so that tests can move the time.
 */
export function sharedClockOf(
  engine: { readonly clock: Clock },
  db: SqlExecutor,
  sql: SqlDialect,
): SharedClock {
  const isShared = !sql.isLocal && engine.clock === systemClock
  return isShared ? createDatabaseClock(db, sql) : asSharedClock(engine.clock)
}

/** Notices that the machine's clock was set back, and moves due times back that now lie too far ahead. */
export interface ClockWatch {
  /** @returns whether times were brought back. */
  look(): Promise<boolean>
}

/** What {@link createClockWatch} works with. */
export interface ClockWatchParts {
  readonly store: ClockStore
  readonly clock: SharedClock
  readonly logger: Logger
  readonly leaseMs: number
}

/** Clocks are corrected by less than this all the time. */
const TOLERANCE_MS = 500

/**
 * This process knows the latest time of its own. The latest time of other processes is in the database, and is read
 * from time to time.
 */
export function createClockWatch({ store, clock, logger, leaseMs }: ClockWatchParts): ClockWatch {
  let askedAt = Number.NEGATIVE_INFINITY

  async function latest(): Promise<number> {
    if (performance.now() - askedAt < leaseMs / 3) return clock.latest
    const noted = await store.latestNoted()
    askedAt = performance.now()
    return Math.max(noted, clock.latest)
  }

  return {
    async look() {
      const now = clock.now()
      const before = await latest()
      if (before - now <= TOLERANCE_MS) return false
      logger.warn(
        { setBackMs: before - now },
        'The clock was set back; webhooks, pauses and leases that lie ahead are brought back',
      )
      try {
        await store.bringTimesBack({ now, latest: before }, leaseMs)
      } catch (error) {
        // What is due is delivered all the same.
        logger.warn({ err: error }, 'Webhooks that lie ahead could not be brought back; trying again')
        return false
      }
      clock.settle(now)
      return true
    },
  }
}

/** The clock was set back: it is `now`, and was as late as `latest`. */
export interface SetBackClock {
  readonly now: number
  readonly latest: number
}

/** What a store does where the machine's clock decides. */
export interface ClockStore {
  /** The latest time that a process has noted; 0 where the database's clock decides. */
  latestNoted(): Promise<number>
  /**
   * Moves back every time that lies further ahead than intended: due times, pauses, leases, expiry of secrets. It works
   * in small transactions, and continues when it is called again.
   */
  bringTimesBack(clock: SetBackClock, leaseMs: number): Promise<void>
}

/** The stored latest time may lag behind the actual one by this much. */
export const MARK_EVERY_MS = 1_000

/**
 * When something is due by a clock that was set back.
 *
 * @param dueOn - by the clock as it was.
 * @param writtenOn - when the due time was worked out, as far as is known.
 * @returns the due time after which it has waited as long as it was meant to: never later than it was.
 */
export function broughtBack(dueOn: number, writtenOn: number, { now, latest }: SetBackClock): number {
  if (dueOn <= now) return dueOn
  // Calculated while the clock was ahead: the remaining time stays the same.
  if (writtenOn > now) return Math.max(now, dueOn - (latest - now))
  // By the clock as it was, it was due.
  return dueOn <= latest + MARK_EVERY_MS ? now : dueOn
}
