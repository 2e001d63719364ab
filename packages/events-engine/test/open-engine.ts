import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from '@x/events-core'
import { sqliteTemplate, temporaryFolder } from '@x/testkit'
import { observedDialect, type StatementObserver } from '@x/testkit/observed-dialect'
import { type DatabaseTemplate, postgresDatabase } from '@x/testkit/postgres'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect, sql } from 'kysely'
import { describe } from 'vitest'
import { createEventEngine, type EventEngine, type EventEngineOptions } from '../src/index.ts'

/** A table of the host's own, to change in the transactions that raise. */
export interface HostTables {
  page: { pageId: number; name: string }
}

export interface OpenEngine extends AsyncDisposable {
  readonly db: Kysely<HostTables>
  readonly engine: EventEngine<HostTables>
}

export interface EngineOptions extends Partial<EventEngineOptions<HostTables>> {
  /** Is told of each statement of the engine. */
  readonly observer?: StatementObserver
}
export type Open = (options?: EngineOptions) => Promise<OpenEngine>

/** Runs the same tests on SQLite and on PostgreSQL. */
export function onEachDatabase(define: (open: Open, dialect: 'sqlite' | 'postgres') => void): void {
  describe.each(['sqlite', 'postgres'] as const)('on %s', (dialect) => {
    define((options) => openEngine(options, dialect), dialect)
  })
}

/** A database with the host's table, and a migrated engine on it that was not started. */
export async function openEngine(
  { observer, ...options }: EngineOptions = {},
  dialect: 'sqlite' | 'postgres' = 'sqlite',
): Promise<OpenEngine> {
  const database =
    dialect === 'sqlite'
      ? await sqliteDatabase(observer)
      : await postgresDatabase<HostTables>(undefined, migrated)
  const { db } = observer && 'connect' in database ? database.connect({ observer }) : database
  // An engine that is not given the pool cannot listen for lost connections: the host does.
  if ('pool' in database) database.pool.on('connect', (client) => client.on('error', () => {}))
  // Copies of one database would be one log.
  await sql`update xe_log_state set log_id = ${randomUUID()}`.execute(db)
  const engine = createEventEngine({ db, pollMaxMs: 50, ...options })
  await engine.migrate()
  return {
    db,
    engine,
    async [Symbol.asyncDispose]() {
      await engine.stop()
      await database[Symbol.asyncDispose]()
    },
  }
}

// Making the tables takes longer than most tests.
const migrated: DatabaseTemplate = {
  name: 'engine',
  fill: ({ db }) => migrate(db as Kysely<HostTables>),
}

const writeMigrated = sqliteTemplate(async (file) => {
  await using db = new Kysely<HostTables>({ dialect: sqliteDialect(file) })
  await migrate(db)
})

async function migrate(db: Kysely<HostTables>): Promise<void> {
  await db.schema
    .createTable('page')
    .addColumn('pageId', 'integer', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .execute()
  await createEventEngine({ db }).migrate()
}

function sqliteDialect(file: string): SqliteDialect {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  return new SqliteDialect({ database })
}

async function sqliteDatabase(observer: StatementObserver = {}) {
  const folder = await temporaryFolder()
  const file = join(folder.path, 'host.db')
  await writeMigrated(file)
  const db = new Kysely<HostTables>({ dialect: observedDialect(sqliteDialect(file), observer) })
  return {
    db,
    async [Symbol.asyncDispose]() {
      await db.destroy()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** A logger that keeps what it is told. */
export function recordingLogger(): Logger & { readonly messages: string[] } {
  const messages: string[] = []
  const record = (_details: object, message: string) => void messages.push(message)
  return { messages, debug: record, info: record, warn: record, error: record }
}

export const site = { tenantId: 1, siteId: 7 }
