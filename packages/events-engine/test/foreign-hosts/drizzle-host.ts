import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { Pool } from 'pg'
import { fromDrizzle } from '../../src/drizzle.ts'
import type { ForeignHost, ForeignWork } from './foreign-host.ts'

const page = pgTable('page', { pageId: integer().primaryKey(), name: text().notNull() })

type Transaction = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0]

export function openDrizzleHost(url: string): ForeignHost {
  const pool = new Pool({ connectionString: url, max: 2 })
  pool.on('error', () => {})
  const db = drizzle({ client: pool })

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
    [Symbol.asyncDispose]: () => pool.end(),
  }
}
