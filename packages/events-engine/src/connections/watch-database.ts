import type { Logger } from '@x/events-core'
import type { Kysely } from 'kysely'
import { EventEngineError } from '../errors.ts'
import { dialectOf } from '../sql/database.ts'
import { createConnectionWatch, type WaitLimits } from './connection-watch.ts'
import type { PostgresPool } from './postgres-pool.ts'
import { createWatchedDatabase } from './watched-database.ts'

/** The host's database, in which every wait comes to an end; on SQLite, where nobody waits, the database itself. */
export interface WatchedDatabase {
  /** For statements that are short; like the next two, without the host's plugins, which would rewrite what is read. */
  readonly db: Kysely<unknown>
  /** For those that may take their time, and hold up nobody: deleting what is old, looking through it all. */
  readonly patient: Kysely<unknown>
  /** For those of which nobody knows how long they take: migrations. */
  readonly unhurried: Kysely<unknown>
  /** The same, for work that is leased for so long. */
  forLease(leaseMs: number): WatchedDatabase
  /** Has a function called whenever no connection can be had for a while. */
  onStarved(callback: () => void): void
}

/** The same, with what a host's subscribers get: its types and its plugins. */
export interface HostsWatchedDatabase<DB> extends WatchedDatabase {
  readonly hosts: Kysely<DB>
}

/** What {@link watchDatabase} works with. */
export interface WatchDatabaseParts<DB> {
  readonly host: Kysely<DB>
  readonly pool: PostgresPool | undefined
  readonly logger: Logger
  readonly databaseTimeoutMs: number
}

const MIN_SUSPECT_MS = 1_000
const MAX_SUSPECT_MS = 3_000
const PATIENT_MS = 60_000

/** Creates the watch of one engine. */
export function watchDatabase<DB>(
  { host, pool, logger, databaseTimeoutMs }: WatchDatabaseParts<DB>,
  leaseMs: number,
): HostsWatchedDatabase<DB> {
  const bare: Kysely<unknown> = withoutPlugins(host)
  if (dialectOf(host) === 'sqlite') {
    const unwatched: WatchedDatabase = {
      db: bare,
      patient: bare,
      unhurried: bare,
      forLease: () => unwatched,
      onStarved() {},
    }
    return { ...unwatched, hosts: host }
  }
  const watch = createConnectionWatch({ host: bare, pool, logger })

  /** Early enough for what is leased to go on elsewhere, or here, before the lease has run out twice. */
  function limitsOf(ms: number, giveUpAfterMs = databaseTimeoutMs): WaitLimits {
    const suspectAfterMs = Math.min(Math.max(ms / 2, MIN_SUSPECT_MS), MAX_SUSPECT_MS, databaseTimeoutMs / 2)
    return { suspectAfterMs, giveUpAfterMs }
  }

  function forLease(ms: number): WatchedDatabase {
    const within = (giveUpAfterMs: number) => createWatchedDatabase(bare, watch, limitsOf(ms, giveUpAfterMs))
    return {
      db: within(databaseTimeoutMs),
      patient: within(Math.max(databaseTimeoutMs, PATIENT_MS)),
      unhurried: within(Number.POSITIVE_INFINITY),
      forLease,
      onStarved: watch.onStarved,
    }
  }
  return { ...forLease(leaseMs), hosts: createWatchedDatabase(host, watch, limitsOf(leaseMs)) }
}

function withoutPlugins<DB>(db: Kysely<DB>): Kysely<unknown> {
  return db.withoutPlugins() as Kysely<unknown>
}

const databases = new WeakMap<object, WatchedDatabase>()

/** Remembers an engine's watch, for {@link watchedDatabaseOf}. */
export function keepWatchedDatabase(engine: object, database: WatchedDatabase): void {
  databases.set(engine, database)
}

/**
 * The database of an engine, for packages that keep tables of their own in it.
 *
 * @throws EventEngineError `invalid_argument` for what is no engine of this copy of the package.
 */
export function watchedDatabaseOf(engine: object): WatchedDatabase {
  const found = databases.get(engine)
  if (!found) {
    throw new EventEngineError(
      'invalid_argument',
      'The engine is not of this copy of @x/events-engine; install one version of it for all packages.',
    )
  }
  return found
}
