import type { DatabaseConnection, Dialect, Driver } from 'kysely'

/** What is told of each statement, those that begin and end transactions included. */
export interface StatementObserver {
  /** @param connection - stands for the connection that the statement is run on. */
  before?(statement: string, connection: object): void | Promise<void>
  /** The database has done it, and nobody has been told so yet. */
  after?(statement: string, connection: object): void | Promise<void>
}

/** A dialect of Kysely whose statements are observed, one by one and in the order of each connection. */
export function observedDialect(inner: Dialect, observer: StatementObserver): Dialect {
  async function observed<TResult>(
    statement: string,
    connection: object,
    run: () => Promise<TResult>,
  ): Promise<TResult> {
    await observer.before?.(statement, connection)
    const result = await run()
    await observer.after?.(statement, connection)
    return result
  }

  function observedDriver(driver: Driver): Driver {
    const outer = new WeakMap<DatabaseConnection, DatabaseConnection>()
    const inners = new WeakMap<DatabaseConnection, DatabaseConnection>()
    const innerOf = (connection: DatabaseConnection) => inners.get(connection) as DatabaseConnection

    function connectionOf(connection: DatabaseConnection): DatabaseConnection {
      const known = outer.get(connection)
      if (known) return known
      const own: DatabaseConnection = {
        executeQuery: (query) => observed(query.sql, connection, () => connection.executeQuery<never>(query)),
        streamQuery: (query, chunkSize) => connection.streamQuery(query, chunkSize),
      }
      outer.set(connection, own)
      inners.set(own, connection)
      return own
    }

    return {
      init: () => driver.init(),
      destroy: () => driver.destroy(),
      acquireConnection: async () => connectionOf(await driver.acquireConnection()),
      releaseConnection: (connection) => driver.releaseConnection(innerOf(connection)),
      beginTransaction: (connection, settings) =>
        observed('begin', innerOf(connection), () => driver.beginTransaction(innerOf(connection), settings)),
      commitTransaction: (connection) =>
        observed('commit', innerOf(connection), () => driver.commitTransaction(innerOf(connection))),
      rollbackTransaction: (connection) =>
        observed('rollback', innerOf(connection), () => driver.rollbackTransaction(innerOf(connection))),
      savepoint: async (connection, name, compile) =>
        observed('savepoint', innerOf(connection), async () =>
          driver.savepoint?.(innerOf(connection), name, compile),
        ),
      rollbackToSavepoint: async (connection, name, compile) =>
        observed('rollback to savepoint', innerOf(connection), async () =>
          driver.rollbackToSavepoint?.(innerOf(connection), name, compile),
        ),
      releaseSavepoint: async (connection, name, compile) =>
        observed('release savepoint', innerOf(connection), async () =>
          driver.releaseSavepoint?.(innerOf(connection), name, compile),
        ),
    }
  }

  return {
    createAdapter: () => inner.createAdapter(),
    createIntrospector: (db) => inner.createIntrospector(db),
    createQueryCompiler: () => inner.createQueryCompiler(),
    createDriver: () => observedDriver(inner.createDriver()),
  }
}
