import type { Inbox, InboxOptions } from '../../../src/index.ts'
import type { PostgresInboxOptions } from '../../../src/pg.ts'

/** A consumer that keeps its table `effect` with one library, in one database. */
export interface InboxHost extends AsyncDisposable {
  /** Creates the table of the inbox, as the library's users do. */
  createInboxTable(table?: string): Promise<void>
  inbox(options?: InboxOptions & PostgresInboxOptions): Inbox<unknown>
  /** Writes an effect in the library's own way: a promise, unless the library is synchronous. */
  write(trx: unknown, message: string): unknown
  /** Runs a statement that the database refuses. */
  fail(trx: unknown): unknown
  /** Reads all effects: what a serializable transaction depends on. */
  count(trx: unknown): unknown
}

/** Connects a library: to the address of a PostgreSQL database, or the file of an SQLite one. */
export type ConnectHost = (target: string) => InboxHost

/** The consumer's table, which lets doubles be seen. */
export const EFFECT_TABLE = {
  postgres: 'create table effect (n serial primary key, message text not null)',
  sqlite: 'create table effect (n integer primary key, message text not null)',
} as const

export const REFUSED = 'insert into effect (message) values (null)'
export const COUNT = 'select count(*) as effects from effect'
