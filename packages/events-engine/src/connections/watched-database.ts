import {
  type CompiledQuery,
  type ControlledTransaction,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type TransactionSettings,
} from 'kysely'
import { isOwnQuery } from '../database.ts'
import { EventEngineError } from '../errors.ts'
import type { ConnectionWatch, LentConnection, WaitLimits } from './connection-watch.ts'

interface Watched {
  readonly lent: LentConnection
  transaction: ControlledTransaction<unknown> | undefined
  /** Rolls back what is open, where the connection was given up and has come to life again. */
  tidy: () => Promise<unknown>
}

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
  const watched = new WeakMap<DatabaseConnection, Watched>()
  const taking = { ...limits, giveUpAfterMs: Math.min(limits.giveUpAfterMs, LONGEST_TAKING_MS) }
  const hosts = { ...limits, giveUpAfterMs: Number.POSITIVE_INFINITY }

  function watchedOf(connection: DatabaseConnection): Watched {
    const found = watched.get(connection)
    if (!found) throw new EventEngineError('invalid_argument', 'The connection is of another database.')
    return found
  }

  const executorOf = ({ transaction, lent }: Watched) => (transaction ?? lent.db).getExecutor()

  function connectionOn(one: Watched): DatabaseConnection {
    const { lent } = one
    return {
      executeQuery: <TRow>(query: CompiledQuery) =>
        lent.during(isOwnQuery(query) ? limits : hosts, () => executorOf(one).executeQuery<TRow>(query)),
      streamQuery: <TRow>(query: CompiledQuery, chunkSize: number) =>
        executorOf(one).stream<TRow>(query, chunkSize),
    }
  }

  async function begin(one: Watched, settings: TransactionSettings): Promise<void> {
    const { lent } = one
    let builder = lent.db.startTransaction()
    if (settings.isolationLevel) builder = builder.setIsolationLevel(settings.isolationLevel)
    if (settings.accessMode) builder = builder.setAccessMode(settings.accessMode)
    one.transaction = await lent.during(limits, () => {
      const begun = builder.execute()
      one.tidy = async () => (await begun).rollback().execute()
      return begun
    })
  }

  const driver: Driver = {
    init: async () => {},
    destroy: async () => {},
    async acquireConnection() {
      const lent = await watch.lend(taking)
      const one: Watched = { lent, transaction: undefined, tidy: async () => {} }
      const connection = connectionOn(one)
      watched.set(connection, one)
      return connection
    },
    async releaseConnection(connection) {
      const { lent, tidy } = watchedOf(connection)
      lent.release(tidy)
    },
    async beginTransaction(connection, settings) {
      await begin(watchedOf(connection), settings)
    },
    async commitTransaction(connection) {
      const one = watchedOf(connection)
      await one.lent.during(limits, async () => one.transaction?.commit().execute())
      one.transaction = undefined
    },
    async rollbackTransaction(connection) {
      const one = watchedOf(connection)
      await one.lent.during(limits, async () => one.transaction?.rollback().execute())
      one.transaction = undefined
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
