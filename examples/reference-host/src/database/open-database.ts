import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import type { HostTables } from './tables.ts'

/**
 * Opens the host's database. One connection for the whole process: host, engine and sender share it,
 * since SQLite has one writer and a second connection would make this thread wait for itself.
 */
export function openDatabase(file: string): Kysely<HostTables> {
  const database = new Database(file)
  // Readers do not stop the writer, and a commit is on disk before anybody is told of it.
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.pragma('foreign_keys = ON')
  return new Kysely<HostTables>({ dialect: new SqliteDialect({ database }) })
}
