// A host of its own process, for tests that kill it: opens the file it is told, and if it is told so raises
// that many events, makes an endpoint and has them replayed to it. Then delivers until its end. Says so on
// its standard output, a word a line.
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
const sender = createWebhookSender({ engine, encryptionKey, network: { allow: ['127.0.0.0/8'] } })
await sender.migrate()
await engine.start()
await sender.start()
if (Number(events) > 0) {
  await engine.transaction(async ({ raise }) => {
    for (let id = 1; id <= Number(events); id++)
      await raise({ tenantId: 1, siteId: 7 }, 'File', id, 'Download')
  })
  await sender.drain()
  const { endpoint } = await sender.endpoints.create({ tenantId: 1, url })
  await sender.deliveries.replay(endpoint.id, { since: new Date(0) })
}
process.stdout.write('begun\n')
for (;;) {
  const [job] = await sender.jobs.list({ tenantId: 1 })
  if (job?.state !== 'running') break
  await new Promise((resolve) => setTimeout(resolve, 20))
}
await sender.drain()
process.stdout.write('drained\n')
setInterval(() => {}, 1_000)
