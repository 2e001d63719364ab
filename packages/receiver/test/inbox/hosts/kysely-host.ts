import Database from 'better-sqlite3'
import {
  CompiledQuery,
  type Generated,
  Kysely,
  PostgresDialect,
  SqliteDialect,
  type Transaction,
} from 'kysely'
import { PostgresJSDialect } from 'kysely-postgres-js'
import { Pool } from 'pg'
import postgres from 'postgres'
import { createInboxTable, kyselyInbox } from '../../../src/kysely.ts'
import { COUNT, type ConnectHost, type InboxHost, REFUSED } from './inbox-host.ts'

interface Tables {
  effect: { n: Generated<number>; message: string }
}

type Trx = Transaction<Tables>

export const kyselyOnSqlite: ConnectHost = (file) => {
  const database = new Database(file, { timeout: 20 })
  return hostOf(new Kysely<Tables>({ dialect: new SqliteDialect({ database }) }))
}

export const kyselyOnPg: ConnectHost = (url) => {
  const pool = new Pool({ connectionString: url, max: 5 })
  pool.on('error', () => {})
  return hostOf(new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }))
}

export const kyselyOnPostgresJs: ConnectHost = (url) =>
  hostOf(
    new Kysely<Tables>({
      dialect: new PostgresJSDialect({ postgres: postgres(url, { max: 5, onnotice: () => {} }) }),
      // Kysely puts its logging where the inbox looks for failures.
      log: () => {},
    }),
  )

function hostOf(db: Kysely<Tables>): InboxHost {
  return {
    createInboxTable: (table) => createInboxTable(db, table),
    inbox: (options) => kyselyInbox(db, options),
    write: (trx, message) => (trx as Trx).insertInto('effect').values({ message }).execute(),
    fail: (trx) => (trx as Trx).executeQuery(CompiledQuery.raw(REFUSED)),
    count: (trx) => (trx as Trx).executeQuery(CompiledQuery.raw(COUNT)),
    [Symbol.asyncDispose]: () => db.destroy(),
  }
}
