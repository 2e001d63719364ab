import Database from 'better-sqlite3'
import { sql } from 'drizzle-orm'
import { drizzle as drizzleOnBetterSqlite } from 'drizzle-orm/better-sqlite3'
import { drizzle as drizzleOnNodePg } from 'drizzle-orm/node-postgres'
import { type PgDatabase, type PgQueryResultHKT, pgTable, serial, text } from 'drizzle-orm/pg-core'
import { drizzle as drizzleOnPgJs } from 'drizzle-orm/postgres-js'
import { integer, sqliteTable, text as sqliteText } from 'drizzle-orm/sqlite-core'
import { Pool } from 'pg'
import postgres from 'postgres'
import { createInboxTable, drizzleInbox } from '../../../src/drizzle.ts'
import { COUNT, type ConnectHost, type InboxHost, REFUSED } from './inbox-host.ts'

const pgEffect = pgTable('effect', { n: serial().primaryKey(), message: text().notNull() })
const sqliteEffect = sqliteTable('effect', { n: integer().primaryKey(), message: sqliteText().notNull() })

export const drizzleOnPg: ConnectHost = (url) => {
  const pool = new Pool({ connectionString: url, max: 5 })
  pool.on('error', () => {})
  return hostOf(drizzleOnNodePg({ client: pool }), () => pool.end())
}

export const drizzleOnPostgresJs: ConnectHost = (url) => {
  const client = postgres(url, { max: 5, onnotice: () => {} })
  return hostOf(drizzleOnPgJs({ client }), () => client.end())
}

function hostOf(db: PgDatabase<PgQueryResultHKT>, end: () => Promise<void>): InboxHost {
  type Trx = Parameters<Parameters<typeof db.transaction>[0]>[0]
  return {
    createInboxTable: (table) => createInboxTable(db, table),
    inbox: (options) => drizzleInbox(db, options),
    write: (trx, message) => (trx as Trx).insert(pgEffect).values({ message }),
    fail: (trx) => (trx as Trx).execute(sql.raw(REFUSED)),
    count: (trx) => (trx as Trx).execute(sql.raw(COUNT)),
    [Symbol.asyncDispose]: end,
  }
}

/** Synchronous, as its transactions are. */
export const drizzleOnSqlite: ConnectHost = (file) => {
  const client = new Database(file, { timeout: 20 })
  const db = drizzleOnBetterSqlite({ client })
  type Trx = Parameters<Parameters<typeof db.transaction>[0]>[0]
  return {
    createInboxTable: (table) => createInboxTable(db, table),
    inbox: (options) => drizzleInbox(db, options),
    write: (trx, message) => void (trx as Trx).insert(sqliteEffect).values({ message }).run(),
    fail: (trx) => void (trx as Trx).run(sql.raw(REFUSED)),
    count: (trx) => void (trx as Trx).all(sql.raw(COUNT)),
    async [Symbol.asyncDispose]() {
      client.close()
    },
  }
}
