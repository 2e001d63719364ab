import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from '@x/events-core'
import { createEventEngine, type EventEngine, type EventEngineOptions } from '@x/events-engine'
import { temporaryFolder } from '@x/testkit'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { createWebhookSender, type WebhookSender, type WebhookSenderOptions } from '../src/index.ts'

/** A table of the host's own, to change in the transactions that raise. */
export interface HostTables {
  page: { page_id: number; name: string }
}

export interface OpenHost extends AsyncDisposable {
  readonly file: string
  readonly database: Database.Database
  readonly db: Kysely<HostTables>
  readonly engine: EventEngine<HostTables>
  readonly sender: WebhookSender
  /** Starts both. */
  start(): Promise<void>
  /** Another host on another connection to the same file, as another process would be. */
  openAnother(options?: HostOptions): Promise<OpenHost>
}

export interface HostOptions extends Partial<Omit<WebhookSenderOptions<HostTables>, 'engine'>> {
  readonly engine?: Partial<EventEngineOptions<HostTables>>
}

export const encryptionKey = randomBytes(32)
const loopback = { allow: ['127.0.0.0/8', '::1/128'] }
export const site = { tenantId: 1, siteId: 7 }

/** A host on a file database: migrated, and not started. Webhooks may go to this machine. */
export async function openHost(options: HostOptions = {}): Promise<OpenHost> {
  const folder = await temporaryFolder()
  const opened = await open(join(folder.path, 'host.db'), options)
  await opened.db.schema
    .createTable('page')
    .addColumn('page_id', 'integer', (column) => column.primaryKey())
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

/** The same, started. */
export async function startHost(options: HostOptions = {}): Promise<OpenHost> {
  const host = await openHost(options)
  await host.start()
  return host
}

async function open(file: string, options: HostOptions): Promise<OpenHost> {
  const { engine: engineOptions, ...senderOptions } = options
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  const db = new Kysely<HostTables>({ dialect: new SqliteDialect({ database }) })
  const engine = createEventEngine({ db, pollMaxMs: 50, ...engineOptions })
  const sender = createWebhookSender({
    engine,
    encryptionKey,
    network: loopback,
    pollMaxMs: 50,
    ...senderOptions,
  })
  await sender.migrate()
  return {
    file,
    database,
    db,
    engine,
    sender,
    async start() {
      await sender.start()
      await engine.start()
    },
    openAnother: (others = {}) => open(file, { ...options, ...others }),
    async [Symbol.asyncDispose]() {
      await sender.stop()
      await engine.stop()
      await db.destroy()
    },
  }
}

/** A logger that keeps what it is told. */
export function recordingLogger(): Logger & { readonly messages: string[] } {
  const messages: string[] = []
  const record = (details: object, message: string) =>
    void messages.push(`${message} ${JSON.stringify(details)}`)
  return { messages, debug: record, info: record, warn: record, error: record }
}
