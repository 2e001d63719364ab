import { CompiledQuery, type DatabaseConnection, type Driver, Kysely } from 'kysely'
import { EventEngineError } from '../errors.ts'
import { isOwnQuery } from '../sql/database.ts'
import type { ConnectionWatch, LentConnection, WaitLimits } from './connection-watch.ts'

/** A wait for a connection ends, whatever is to be done on it. */
const LONGEST_TAKING_MS = 60_000

/**
 * The host's database, with an end to every wait: on the host's own connections, by its own dialect, with its
 * plugins. Transactions of it are transactions of the host's.
 *
 * Statements that a host runs in such a transaction are given up only where their connection is known to be silent,
 * however long they take.
 */
export function createWatchedDatabase<DB>(
  host: Kysely<DB>,
  watch: ConnectionWatch,
  limits: WaitLimits,
): Kysely<DB> {
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
