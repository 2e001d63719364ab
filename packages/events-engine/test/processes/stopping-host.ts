// A host that raises and handles, stops in the middle of it, closes its database, and has nothing left to
// do. Arguments: a PostgreSQL URL, or else a SQLite file.
import { EntityNames, type SyncEvent } from '@x/events-core'
import { createEventEngine } from '@x/events-engine'
import Database from 'better-sqlite3'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import { Pool } from 'pg'

const [location = ''] = process.argv.slice(2)
const pool = location.startsWith('postgres') ? new Pool({ connectionString: location }) : undefined
const dialect = pool ? new PostgresDialect({ pool }) : new SqliteDialect({ database: new Database(location) })
const db = new Kysely<object>({ dialect })
const engine = createEventEngine({ db, ...(pool && { postgres: { pool } }) })
await engine.migrate()
const calls = { each: 0, failing: 0, batch: 0, broadcast: 0 }
const count = (name: keyof typeof calls, fails = false) => ({
  async entityChanged(_event: SyncEvent) {
    calls[name] += 1
    await new Promise((resolve) => setImmediate(resolve))
    if (fails) throw new Error('waits for its retry when the engine stops')
  },
})
const durable = { mode: 'durable' } as const
await engine.subscribe(count('each'), { name: 'each', concurrency: 4, ...durable })
await engine.subscribe(count('failing', true), {
  name: 'failing',
  retry: { firstDelayMs: 60_000, maxDelayMs: 60_000 },
  ...durable,
})
await engine.subscribe(
  {
    async entitiesChanged() {
      calls.batch += 1
      await new Promise((resolve) => setTimeout(resolve, 5))
    },
  },
  { name: 'batch', batchSize: 2, ...durable },
)
await engine.subscribe(count('broadcast'), { name: 'broadcast', mode: 'broadcast' })
const feed = engine.feed({ tenantId: 1 })[Symbol.asyncIterator]()
await engine.start()
const fed = feed.next()
let raised = 0
while (Object.values(calls).some((number) => number === 0) || raised < 100) {
  raised += 1
  await engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 1 }, EntityNames.File, raised, 'Update')
  await new Promise((resolve) => setImmediate(resolve))
}
await fed
await engine.stop()
await db.destroy()
process.stdout.write('stopped\n')
