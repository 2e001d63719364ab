import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createEventEngine, type EventEngine } from '@x/events-engine'
import { createWebhookSender, type WebhookSender } from '@x/sender'
import { temporaryFolder } from '@x/testkit'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'

/** An engine and a sender on a database of their own, which deliver to this machine. */
export interface OpenSender extends AsyncDisposable {
  readonly engine: EventEngine
  readonly sender: WebhookSender
}

export async function openSender(): Promise<OpenSender> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await temporaryFolder())
  const db = new Kysely<unknown>({
    dialect: new SqliteDialect({ database: new Database(join(folder.path, 'host.db')) }),
  })
  opened.defer(() => db.destroy())
  const engine = createEventEngine({ db })
  const sender = createWebhookSender({
    engine,
    encryptionKey: randomBytes(32),
    network: { allow: ['127.0.0.0/8'] },
  })
  await sender.migrate()
  opened.use(sender)
  await sender.start()
  opened.use(engine)
  await engine.start()
  const all = opened.move()
  return { engine, sender, [Symbol.asyncDispose]: () => all.disposeAsync() }
}
