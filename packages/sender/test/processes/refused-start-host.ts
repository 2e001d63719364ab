// A host of its own process whose second sender cannot start, since the engine has one already. Sends one webhook by the first,
// and then stops what it has started: the process ends by itself where nothing is left. Says so on its standard output, a
// word a line.
import process from 'node:process'
import { createEventEngine } from '@x/events-engine'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { createWebhookSender } from '../../src/index.ts'

const [file = '', encryptionKey = '', url = ''] = process.argv.slice(2)
const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: new Database(file) }) })
const engine = createEventEngine({ db })
const options = { engine, encryptionKey, network: { allow: ['127.0.0.0/8'] } }
const sender = createWebhookSender(options)
await sender.migrate()
await engine.start()
await sender.start()
await createWebhookSender(options)
  .start()
  .catch((error: { readonly code: string }) => process.stdout.write(`${error.code}\n`))
await sender.endpoints.create({ tenantId: 1, url })
await engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'File', 1, 'Download')
await sender.drain()
process.stdout.write('drained\n')
await sender.stop()
await engine.stop()
await db.destroy()
