import { type Clock, systemClock } from '@x/events-core'
import { readRows, real, type SqlExecutor } from '@x/events-engine/support'

/** A clock that all nodes of a database share. */
export interface SharedClock extends Clock {
  /** Asks what time it is, unless that was asked a moment ago. */
  sync(): Promise<void>
  /** The latest time that it has told; the database's own clock is not watched, and says 0. */
  readonly latest: number
  /** It is this late after all. */
  settle(now: number): void
}

const OFTEN_MS = 1_000
const DRIFT = 0.001

/**
 * The database's clock: asked for the time now and then, and carried on between by how long this process
 * knows it has been since. Times that nodes write down and compare are the same for all of them, however
 * wrong the clocks of their machines are, to half of a round trip.
 */
export function createDatabaseClock(db: SqlExecutor): SharedClock {
  const statement = 'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now'
  // The machine's own, until the database has been asked.
  let base = Date.now()
  let askedAt = performance.now()
  let uncertainMs = Number.POSITIVE_INFINITY
  let asking: Promise<void> | undefined

  async function ask(): Promise<void> {
    const sentAt = performance.now()
    const [row] = await readRows(db, { now: real }, statement)
    const halfMs = (performance.now() - sentAt) / 2
    // An answer that took long is worth less than an older one that was quick.
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

/** A clock that needs no asking: a test's, or that of the one machine whose processes share a file. */
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
 * The clock that due times are written and compared by. On PostgreSQL, whose nodes may be on many
 * machines, it is the database's. An engine that was given a clock keeps to it: a test wants to move it.
 */
export function sharedClockOf(
  engine: { readonly dialect: string; readonly clock: Clock },
  db: SqlExecutor,
): SharedClock {
  const isShared = engine.dialect === 'postgres' && engine.clock === systemClock
  return isShared ? createDatabaseClock(db) : asSharedClock(engine.clock)
}
