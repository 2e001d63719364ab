import knex, { type Knex } from 'knex'
import { createInboxTable, knexInbox } from '../../../src/knex.ts'
import { COUNT, type ConnectHost, type InboxHost, REFUSED } from './inbox-host.ts'

export const knexOnSqlite: ConnectHost = (filename) =>
  hostOf(
    knex({
      client: 'better-sqlite3',
      connection: { filename },
      useNullAsDefault: true,
      pool: {
        afterCreate(connection: { pragma(text: string): unknown }, done: () => void) {
          connection.pragma('busy_timeout = 20')
          done()
        },
      },
    }),
  )

export const knexOnPg: ConnectHost = (url) =>
  hostOf(knex({ client: 'pg', connection: url, pool: { min: 0, max: 5 } }))

function hostOf(db: Knex): InboxHost {
  return {
    createInboxTable: (table) => createInboxTable(db, table),
    inbox: (options) => knexInbox(db, options),
    write: (trx, message) => (trx as Knex.Transaction)('effect').insert({ message }),
    fail: (trx) => (trx as Knex.Transaction).raw(REFUSED),
    count: (trx) => (trx as Knex.Transaction).raw(COUNT),
    [Symbol.asyncDispose]: () => db.destroy(),
  }
}
