import { join } from 'node:path'
import { withStatementCache } from '@x/events-engine'
import Database from 'better-sqlite3'
import { Kysely, PostgresAdapter, PostgresDialect, SqliteDialect, sql } from 'kysely'
import { Pool } from 'pg'
import type { HostConfig } from '../config.ts'
import type { HostTables } from './tables.ts'

/** The database of a host. */
export interface HostDatabase {
  readonly db: Kysely<HostTables>
  /** PostgreSQL: the connections below `db`, on one of which the engine hears of other nodes. */
  readonly pool: Pool | undefined
}

/** Opens what `DATABASE_URL` names, or else the file in the data folder. */
export async function openDatabase(
  config: Pick<HostConfig, 'dataDir' | 'databaseUrl'>,
): Promise<HostDatabase> {
  if (config.databaseUrl !== undefined) return openPostgres(config.databaseUrl)
  return { db: openSqlite(join(config.dataDir, 'host.db')), pool: undefined }
}

/**
 * One connection for the whole process: host, engine and sender share it, since SQLite has one writer
 * and a second connection would make this thread wait for itself.
 */
function openSqlite(file: string): Kysely<HostTables> {
  const database = new Database(file)
  // Readers do not stop the writer, and a commit is on disk before anybody is told of it.
  // First of all: a file that has anything in it keeps to what it was. Retention can make it smaller.
  database.pragma('auto_vacuum = incremental')
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.pragma('foreign_keys = ON')
  return new Kysely<HostTables>({ dialect: new SqliteDialect({ database: withStatementCache(database) }) })
}

async function openPostgres(databaseUrl: string): Promise<HostDatabase> {
  const pool = new Pool({
    connectionString: databaseUrl,
    max: 10,
    connectionTimeoutMillis: 10_000,
    application_name: 'reference-host',
  })
  const db = new Kysely<HostTables>({ dialect: new PostgresDialect({ pool }) })
  try {
    await sql`select 1`.execute(db)
  } catch (error) {
    await db.destroy()
    throw new Error(`DATABASE_URL: cannot connect to ${withoutPassword(databaseUrl)}: ${messageOf(error)}`, {
      cause: error,
    })
  }
  return { db, pool }
}

function withoutPassword(databaseUrl: string): string {
  const { protocol, host, pathname } = new URL(databaseUrl)
  return `${protocol}//${host}${pathname}`
}

// Where a name has several addresses, the error is a list of errors without a message of its own.
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

/** Whether a database, or a transaction of one, is PostgreSQL; else it is SQLite. */
export function isPostgres<DB>(db: Kysely<DB>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}
