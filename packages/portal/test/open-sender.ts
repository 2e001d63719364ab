import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createEventEngine, type EventEngine, withStatementCache } from '@x/events-engine'
import { createWebhookSender, type WebhookSender, type WebhookSenderOptions } from '@x/sender'
import { sqliteTemplate, temporaryFolder } from '@x/testkit'
import { type DatabaseTemplate, postgresDatabase } from '@x/testkit/postgres'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'

// Making the tables of engine and sender takes longer than most tests.
const migrated: DatabaseTemplate = {
  name: 'portal',
  fill: ({ db, pool }) => migrate(createEventEngine({ db, postgres: { pool } })),
}

const writeMigrated = sqliteTemplate(async (file) => {
  await using db = new Kysely<unknown>({ dialect: sqliteDialect(file) })
  await migrate(createEventEngine({ db }))
})

function migrate(engine: EventEngine): Promise<void> {
  return createWebhookSender({ engine, encryptionKey: randomBytes(32) }).migrate()
}

function sqliteDialect(file: string): SqliteDialect {
  return new SqliteDialect({ database: withStatementCache(new Database(file)) })
}

/** An engine and a sender on a database of their own, which deliver to this machine. */
export interface OpenSender extends AsyncDisposable {
  readonly engine: EventEngine
  readonly sender: WebhookSender
}

export interface OpenSenderOptions {
  readonly dialect?: 'sqlite' | 'postgres'
  readonly sender?: Partial<WebhookSenderOptions<unknown>>
}

export async function openSender({
  dialect = 'sqlite',
  ...more
}: OpenSenderOptions = {}): Promise<OpenSender> {
  await using opened = new AsyncDisposableStack()
  const engine = await openEngine(dialect, opened)
  const sender = createWebhookSender({
    engine,
    encryptionKey: randomBytes(32),
    network: { allow: ['127.0.0.0/8'] },
    ...more.sender,
  })
  await sender.migrate()
  opened.use(sender)
  await sender.start()
  opened.use(engine)
  await engine.start()
  const all = opened.move()
  return { engine, sender, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

async function openEngine(
  dialect: 'sqlite' | 'postgres',
  opened: AsyncDisposableStack,
): Promise<EventEngine> {
  if (dialect === 'postgres') {
    const { db, pool } = opened.use(await postgresDatabase<unknown>(undefined, migrated))
    return createEventEngine({ db, postgres: { pool } })
  }
  const folder = opened.use(await temporaryFolder())
  const file = join(folder.path, 'host.db')
  await writeMigrated(file)
  const db = new Kysely<unknown>({ dialect: sqliteDialect(file) })
  opened.defer(() => db.destroy())
  return createEventEngine({ db })
}
