import { drizzle as drizzleOnPg } from 'drizzle-orm/node-postgres'
import { integer, type PgDatabase, type PgQueryResultHKT, pgTable, text } from 'drizzle-orm/pg-core'
import { drizzle as drizzleOnPostgresJs } from 'drizzle-orm/postgres-js'
import { Pool } from 'pg'
import postgres from 'postgres'
import { fromDrizzle } from '../../src/adapters/drizzle.ts'
import type { ForeignHost, ForeignWork } from './foreign-host.ts'

const page = pgTable('page', { pageId: integer().primaryKey(), name: text().notNull() })

type Database = PgDatabase<PgQueryResultHKT>
type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0]

/** Drizzle, with the driver of pg. */
export function openDrizzleHost(url: string): ForeignHost {
  const pool = new Pool({ connectionString: url, max: 2 })
  pool.on('error', () => {})
  return hostOf(drizzleOnPg({ client: pool }), () => pool.end())
}

/** Drizzle, with postgres.js. */
export function openDrizzleOnPostgresJsHost(url: string): ForeignHost {
  const sql = postgres(url, { max: 2, onnotice: () => {} })
  return hostOf(drizzleOnPostgresJs({ client: sql }), () => sql.end())
}

function hostOf(db: Database, end: () => Promise<void>): ForeignHost {
  function workOn(tx: Transaction): ForeignWork {
    return {
      trx: fromDrizzle(tx),
      async insertPage(pageId, name) {
        await tx.insert(page).values({ pageId, name })
      },
      nested: (work) => tx.transaction((inner) => work(workOn(inner))),
    }
  }

  return {
    transaction: (work) => db.transaction((tx) => work(workOn(tx))),
    [Symbol.asyncDispose]: end,
  }
}
