import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createEventEngine, type EventEngine } from '@x/events-engine'
import { createWebhookSender, type WebhookSender, type WebhookSenderOptions } from '@x/sender'
import { temporaryFolder } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'

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
    const { db, pool } = opened.use(await postgresDatabase<unknown>())
    return createEventEngine({ db, postgres: { pool } })
  }
  const folder = opened.use(await temporaryFolder())
  const db = new Kysely<unknown>({
    dialect: new SqliteDialect({ database: new Database(join(folder.path, 'host.db')) }),
  })
  opened.defer(() => db.destroy())
  return createEventEngine({ db })
}
