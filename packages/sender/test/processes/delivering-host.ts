// A host of its own process, for tests that kill it: opens the file it is told, raises as many events
// as it is told, and delivers until its end. Says so on its standard output, a word a line.
import process from 'node:process'
import { createEventEngine } from '@x/events-engine'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { createWebhookSender } from '../../src/index.ts'

const [file = '', encryptionKey = '', url = '', events = '0'] = process.argv.slice(2)
const database = new Database(file)
database.pragma('journal_mode = WAL')
const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
const engine = createEventEngine({ db })
const sender = createWebhookSender({
  engine,
  encryptionKey,
  network: { allow: ['127.0.0.0/8'] },
  retrySchedule: Array(20).fill(0),
})
await sender.migrate()
if ((await sender.endpoints.list({ tenantId: 1 })).length === 0) {
  await sender.endpoints.create({ tenantId: 1, url, concurrency: 8 })
  await sender.endpoints.create({ tenantId: 1, url: `${url}/fifo`, ordering: 'fifo' })
  await sender.endpoints.create({ tenantId: 1, url: `${url}/entity`, ordering: { by: 'entity' } })
}
await engine.start()
await sender.start()
for (let id = 1; id <= Number(events); id++) {
  await engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'File', id % 10, 'Download', {
    data: { id } as never,
  })
}
process.stdout.write('raised\n')
await sender.drain()
process.stdout.write('drained\n')
setInterval(() => {}, 1_000)
