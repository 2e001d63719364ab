import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from '@x/events-core'
import {
  createEventEngine,
  type EventEngine,
  type EventEngineOptions,
  withStatementCache,
} from '@x/events-engine'
import { sqliteTemplate, temporaryFolder } from '@x/testkit'
import { observedDialect, type StatementObserver } from '@x/testkit/observed-dialect'
import { type DatabaseTemplate, postgresDatabase } from '@x/testkit/postgres'
import Database from 'better-sqlite3'
import { CompiledQuery, type Dialect, type Driver, Kysely, SqliteDialect } from 'kysely'
import { createWebhookSender, type WebhookSender, type WebhookSenderOptions } from '../src/index.ts'
import { testDialect } from './each-database.ts'

/** A table of the host's own, to change in the transactions that raise. */
export interface HostTables {
  page: { page_id: number; name: string }
}

export interface OpenHost extends AsyncDisposable {
  /** SQLite only. */
  readonly file: string | undefined
  /** PostgreSQL only; otherwise empty. */
  readonly url: string
  readonly db: Kysely<HostTables>
  readonly engine: EventEngine<HostTables>
  readonly sender: WebhookSender
  /** Runs a statement of the test's own. */
  run<TRow>(statement: string): Promise<readonly TRow[]>
  /** Starts both. */
  start(): Promise<void>
  /** Connections of one's own to the same database. */
  connect(): Pick<EventEngineOptions<HostTables>, 'db' | 'postgres'>
  /** Another host on connections of its own to the same database, as another process would be. */
  openAnother(options?: HostOptions): Promise<OpenHost>
}

export interface HostOptions extends Partial<Omit<WebhookSenderOptions<HostTables>, 'engine'>> {
  readonly engine?: Partial<EventEngineOptions<HostTables>>
  /** PostgreSQL only: another way to the same database. */
  readonly url?: string
  /** PostgreSQL only: another server than that of the test run. */
  readonly serverUrl?: string
  /** Is told of each statement that runs on the connections of this host. */
  readonly observer?: StatementObserver
  /**
   * SQLite only: all hosts of the database take turns on one connection. Several connections of one process would block
   * each other, which processes do not.
   */
  readonly sharesConnection?: boolean
}

export const encryptionKey = randomBytes(32)
const loopback = { allow: ['127.0.0.0/8', '::1/128'] }
export const site = { tenantId: 1, siteId: 7 }

/** A host on an empty database: migrated, and not started. Webhooks may go to this machine. */
export async function openHost(options: HostOptions = {}): Promise<OpenHost> {
  const database =
    testDialect() === 'sqlite' ? await sqliteDatabase() : await postgresServerDatabase(options.serverUrl)
  const opened = await open(database, options)
  return {
    ...opened,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

/** The same, started. */
export async function startHost(options: HostOptions = {}): Promise<OpenHost> {
  const host = await openHost(options)
  await host.start()
  return host
}

interface TestDatabase extends AsyncDisposable {
  readonly file?: string
  readonly url?: string
  /** What an engine needs to work on it, through connections of its own. */
  connect(options?: HostOptions): Pick<EventEngineOptions<HostTables>, 'db' | 'postgres'>
}

async function sqliteDatabase(): Promise<TestDatabase> {
  const folder = await temporaryFolder()
  const file = join(folder.path, 'host.db')
  await writeMigrated(file)
  let shared: Dialect | undefined
  const openFile = () => sqliteDialect(file)

  return {
    file,
    connect({ observer = {}, sharesConnection } = {}) {
      if (sharesConnection) shared ??= withOneDriver(openFile())
      const dialect = observedDialect(sharesConnection && shared ? shared : openFile(), observer)
      return { db: new Kysely<HostTables>({ dialect }) }
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

function sqliteDialect(file: string): Dialect {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  return new SqliteDialect({ database: withStatementCache(database) })
}

/** Every Kysely instance of the dialect uses the same driver, which is closed with the process. */
function withOneDriver(dialect: Dialect): Dialect {
  const driver = dialect.createDriver()
  let ready: Promise<void> | undefined
  const shared: Driver = {
    init: () => {
      ready ??= driver.init()
      return ready
    },
    destroy: async () => {},
    acquireConnection: () => driver.acquireConnection(),
    releaseConnection: (connection) => driver.releaseConnection(connection),
    beginTransaction: (connection, settings) => driver.beginTransaction(connection, settings),
    commitTransaction: (connection) => driver.commitTransaction(connection),
    rollbackTransaction: (connection) => driver.rollbackTransaction(connection),
  }
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver: () => shared,
  }
}

// Making the tables takes longer than most tests.
const migrated: DatabaseTemplate = {
  name: 'sender',
  fill: ({ db, pool }) => migrate({ db: db as Kysely<HostTables>, postgres: { pool } }),
}

const writeMigrated = sqliteTemplate(async (file) => {
  await using db = new Kysely<HostTables>({ dialect: sqliteDialect(file) })
  await migrate({ db })
})

async function migrate(connection: Pick<EventEngineOptions<HostTables>, 'db' | 'postgres'>): Promise<void> {
  await connection.db.schema
    .createTable('page')
    .addColumn('page_id', 'integer', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .execute()
  const engine = createEventEngine(connection)
  await createWebhookSender({ engine, encryptionKey }).migrate()
}

async function postgresServerDatabase(serverUrl?: string): Promise<TestDatabase> {
  const database = await postgresDatabase<HostTables>(serverUrl, migrated)
  return {
    url: database.url,
    connect({ url, observer } = {}) {
      const { db, pool } = database.connect({ url, observer })
      return { db, postgres: { pool } }
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

async function open(database: TestDatabase, options: HostOptions): Promise<OpenHost> {
  const { engine: engineOptions, url, serverUrl, observer, sharesConnection, ...senderOptions } = options
  const connection = database.connect(options)
  const { db } = connection
  const engine = createEventEngine({ ...connection, pollMaxMs: 50, ...engineOptions })
  const sender = createWebhookSender({
    engine,
    encryptionKey,
    network: loopback,
    pollMaxMs: 50,
    // A test that holds a response back may take its time.
    timeoutMs: 120_000,
    ...senderOptions,
  })
  await sender.migrate()
  return {
    file: database.file,
    url: database.url ?? '',
    db,
    engine,
    sender,
    async run<TRow>(statement: string) {
      return (await db.executeQuery(CompiledQuery.raw(statement))).rows as TRow[]
    },
    async start() {
      await sender.start()
      await engine.start()
    },
    connect: () => database.connect(),
    openAnother: (others = {}) => open(database, { ...options, ...others }),
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
