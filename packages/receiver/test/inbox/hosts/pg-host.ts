import { Pool, type PoolClient } from 'pg'
import { createInboxTable, pgInbox } from '../../../src/pg.ts'
import { COUNT, type ConnectHost, REFUSED } from './inbox-host.ts'

export const pg: ConnectHost = (url) => {
  const pool = new Pool({ connectionString: url, max: 5 })
  pool.on('error', () => {})
  return {
    createInboxTable: (table) => createInboxTable(pool, table),
    inbox: (options) => pgInbox(pool, options),
    write: (trx, message) => (trx as PoolClient).query('insert into effect (message) values ($1)', [message]),
    fail: (trx) => (trx as PoolClient).query(REFUSED),
    count: (trx) => (trx as PoolClient).query(COUNT),
    [Symbol.asyncDispose]: () => pool.end(),
  }
}
