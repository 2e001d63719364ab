import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { withStatementCache } from '@x/events-engine'
import { startPostgresServer } from '@x/testkit/postgres-server'
import Database from 'better-sqlite3'
import { Kysely, type LogEvent, type Logger, PostgresDialect, SqliteDialect, sql } from 'kysely'
import { Pool } from 'pg'

export interface BenchTables {
  page: { pageId: number; name: string; version: number }
}

export interface BenchDatabase extends AsyncDisposable {
  readonly name: string
  readonly db: Kysely<BenchTables>
  readonly pool?: Pool
}

async function withHostTable(db: Kysely<BenchTables>): Promise<void> {
  await sql`create table page ("pageId" integer primary key, name text not null, version integer not null)`.execute(
    db,
  )
}

/** Hears how long each statement has taken. */
export type StatementLog = (statement: string, durationMs: number) => void

function logTo(heard: StatementLog | undefined): Logger | undefined {
  return heard && ((event: LogEvent) => heard(event.query.sql, event.queryDurationMillis))
}

/**
 * A database file as the engine's guide says: WAL, and every commit on the disk unless told otherwise. Statements are
 * prepared once.
 */
export async function sqliteFile(
  synchronous: 'FULL' | 'NORMAL',
  heard?: StatementLog,
): Promise<BenchDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'x-events-bench-'))
  const database = new Database(join(folder, 'host.db'))
  database.pragma('journal_mode = WAL')
  database.pragma(`synchronous = ${synchronous}`)
  const log = logTo(heard)
  const dialect = new SqliteDialect({ database: withStatementCache(database) })
  const db = new Kysely<BenchTables>({ dialect, ...(log ? { log } : {}) })
  await withHostTable(db)
  return {
    name: `SQLite ${synchronous}`,
    db,
    async [Symbol.asyncDispose]() {
      await db.destroy()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A database on a server of the benchmark's own, or on the one that `BENCH_POSTGRES_URL` names. */
export async function postgres(heard?: StatementLog): Promise<BenchDatabase & { readonly pool: Pool }> {
  const given = process.env['BENCH_POSTGRES_URL']
  const server = given ? undefined : await startPostgresServer()
  const admin = new Pool({ connectionString: given ?? server?.url, max: 1 })
  // The server ends before the last of its idle connections has.
  admin.on('error', () => {})
  const name = `x_events_bench_${process.pid}`
  await admin.query(`create database ${name}`)
  const location = new URL(given ?? (server?.url as string))
  location.pathname = `/${name}`
  const pool = new Pool({ connectionString: location.href, max: 20 })
  pool.on('error', () => {})
  const log = logTo(heard)
  const db = new Kysely<BenchTables>({ dialect: new PostgresDialect({ pool }), ...(log ? { log } : {}) })
  await withHostTable(db)
  return {
    name: 'PostgreSQL',
    db,
    pool,
    async [Symbol.asyncDispose]() {
      await db.destroy()
      await admin.query(`drop database ${name} with (force)`)
      await admin.end()
      await server?.[Symbol.asyncDispose]()
    },
  }
}
