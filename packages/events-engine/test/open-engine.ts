import { join } from 'node:path'
import type { Logger } from '@x/events-core'
import { temporaryFolder } from '@x/testkit'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { createEventEngine, type EventEngine, type EventEngineOptions } from '../src/index.ts'

/** A table of the host's own, to change in the transactions that raise. */
export interface HostTables {
  page: { pageId: number; name: string }
}

export interface OpenEngine extends AsyncDisposable {
  readonly db: Kysely<HostTables>
  readonly engine: EventEngine<HostTables>
  /** Another engine on another connection to the same file, as another process would be. */
  openAnother(options?: Partial<EventEngineOptions<HostTables>>): Promise<OpenEngine>
}

/** A file database with the host's table and a migrated engine that was not started. */
export async function openEngine(options: Partial<EventEngineOptions<HostTables>> = {}): Promise<OpenEngine> {
  const folder = await temporaryFolder()
  const opened = await open(join(folder.path, 'host.db'), options)
  await opened.db.schema
    .createTable('page')
    .addColumn('pageId', 'integer', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .execute()
  return {
    ...opened,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

async function open(file: string, options: Partial<EventEngineOptions<HostTables>>): Promise<OpenEngine> {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  const db = new Kysely<HostTables>({ dialect: new SqliteDialect({ database }) })
  const engine = createEventEngine({ db, pollMaxMs: 50, ...options })
  await engine.migrate()
  return {
    db,
    engine,
    openAnother: (others = {}) => open(file, { ...options, ...others }),
    async [Symbol.asyncDispose]() {
      await engine.stop()
      await db.destroy()
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
