import { type Kysely, PostgresAdapter } from 'kysely'

/** Whether a database, or a transaction of one, is PostgreSQL; else it is SQLite. */
export function isPostgres<DB>(db: Kysely<DB>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}
