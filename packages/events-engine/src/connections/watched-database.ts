import type { Logger } from '@x/events-core'
import { CompiledQuery, type DatabaseConnection, type Driver, Kysely } from 'kysely'
import { EventEngineError } from '../errors.ts'
import { isOwnQuery } from '../sql/database.ts'
import { sqlOf } from '../sql/dialects.ts'
import {
  type ConnectionWatch,
  createConnectionWatch,
  type LentConnection,
  type WaitLimits,
} from './connection-watch.ts'
import type { PostgresPool } from './postgres-pool.ts'

/** The host's database, in which every wait ends; a local one, which has no connection to wait for, as it is. */
export interface WatchedDatabase {
  /** For short statements; like the next two, without the host's plugins, which would rewrite what is read. */
  readonly db: Kysely<unknown>
  /** For statements that may take long and block nothing: deleting old rows, scanning a table. */
  readonly patient: Kysely<unknown>
  /** For statements that may take any time: migrations. */
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
  if (sqlOf(host).isLocal) {
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

/** A wait for a connection ends after so long, even for statements that may take any time. */
const LONGEST_TAKING_MS = 60_000

/**
 * The host's database, with an end to every wait: on the host's own connections, by its own dialect, with its
 * plugins. Transactions of it are transactions of the host's.
 *
 * Statements that a host runs in such a transaction are given up only where their connection is known to be silent,
 * however long they take.
 */
function createWatchedDatabase<DB>(host: Kysely<DB>, watch: ConnectionWatch, limits: WaitLimits): Kysely<DB> {
  const executor = host.getExecutor()
  const lent = new WeakMap<DatabaseConnection, LentConnection>()
  const taking = { ...limits, giveUpAfterMs: Math.min(limits.giveUpAfterMs, LONGEST_TAKING_MS) }
  const hosts = { ...limits, giveUpAfterMs: Number.POSITIVE_INFINITY }

  function lentOf(connection: DatabaseConnection): LentConnection {
    const found = lent.get(connection)
    if (!found) throw new EventEngineError('invalid_argument', 'The connection is of another database.')
    return found
  }

  function watchedOn({ connection, during }: LentConnection): DatabaseConnection {
    return {
      executeQuery: (query) =>
        during(isOwnQuery(query) ? limits : hosts, () => connection.executeQuery(query)),
      streamQuery: (query, chunkSize) => connection.streamQuery(query, chunkSize),
    }
  }

  function run(connection: DatabaseConnection, statement: string) {
    const { connection: host, during } = lentOf(connection)
    return during(limits, () => host.executeQuery<{ command?: string }>(CompiledQuery.raw(statement)))
  }

  const driver: Driver = {
    init: async () => {},
    destroy: async () => {},
    async acquireConnection() {
      const given = await watch.lend(taking)
      const connection = watchedOn(given)
      lent.set(connection, given)
      return connection
    },
    async releaseConnection(connection) {
      const { connection: host, release } = lentOf(connection)
      // Where it was given up, and has come to life again, a transaction may be open.
      await release(() => host.executeQuery(CompiledQuery.raw('rollback')))
    },
    async beginTransaction(connection, { isolationLevel, accessMode }) {
      const level = isolationLevel ? ` isolation level ${isolationLevel}` : ''
      await run(connection, level || accessMode ? `start transaction${level} ${accessMode ?? ''}` : 'begin')
    },
    async commitTransaction(connection) {
      const { rows } = await run(connection, 'commit')
      // PostgreSQL's answer to the COMMIT of a transaction in which a statement has failed.
      if (rows[0]?.command === 'ROLLBACK') {
        throw new EventEngineError(
          'transaction_aborted',
          'The transaction was rolled back instead of committed, since a statement in it had failed; let that error through.',
        )
      }
    },
    async rollbackTransaction(connection) {
      await run(connection, 'rollback')
    },
  }

  return new Kysely<DB>({
    dialect: {
      createDriver: () => driver,
      // The same, by which a transaction is known to be one of this database.
      createAdapter: () => executor.adapter,
      createQueryCompiler: () => ({ compileQuery: (node, queryId) => executor.compileQuery(node, queryId) }),
      createIntrospector: () => host.introspection,
    },
    plugins: [...executor.plugins],
  })
}
