// A host of its own process on a migrated file with endpoints, for tests that kill it: raises as many events as it is
// told in one transaction, and delivers until its end.
import process from 'node:process'
import { createEventEngine } from '@x/events-engine'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { createWebhookSender } from '../../src/index.ts'

const [file = '', encryptionKey = '', events = '0'] = process.argv.slice(2)
const database = new Database(file)
database.pragma('journal_mode = WAL')
const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
const engine = createEventEngine({ db })
const sender = createWebhookSender({ engine, encryptionKey, network: { allow: ['127.0.0.0/8'] } })
await sender.start()
await engine.start()
await engine.transaction(async ({ raise }) => {
  for (let id = 1; id <= Number(events); id++) {
    await raise({ tenantId: 1, siteId: 7 }, 'File', id, 'Update')
  }
})
process.stdout.write('raised\n')
await sender.drain()
process.stdout.write('drained\n')
setInterval(() => {}, 1_000)
