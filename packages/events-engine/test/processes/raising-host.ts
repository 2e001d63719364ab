// A host that raises and handles as fast as it can until it is killed. Arguments: database file, file
// that handled event ids are appended to, how many events to raise (0: only handle what is there).
import { appendFileSync } from 'node:fs'
import { EntityNames } from '@x/events-core'
import { createEventEngine } from '@x/events-engine'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'

const [file = '', handledFile = '', count = '0'] = process.argv.slice(2)
const database = new Database(file)
database.pragma('journal_mode = WAL')
database.exec('create table if not exists change (event_id text primary key)')
const db = new Kysely<{ change: { event_id: string } }>({ dialect: new SqliteDialect({ database }) })
const engine = createEventEngine({ db })
await engine.migrate()
await engine.subscribe(
  { entityChanged: (event) => appendFileSync(handledFile, `${event.id}\n`) },
  { name: 'crashes', mode: 'durable' },
)
await engine.start()
process.stdout.write('started\n')

for (let index = 0; index < Number(count); index++) {
  await engine
    .transaction(async ({ trx, raise }) => {
      const event = await raise({ tenantId: 1, siteId: 1 }, EntityNames.File, index, 'Update')
      await trx.insertInto('change').values({ event_id: event.id }).execute()
      // Every tenth change is taken back: it must never be heard of.
      if (index % 10 === 9) throw new Error('rolled back')
    })
    .catch(() => {})
}
