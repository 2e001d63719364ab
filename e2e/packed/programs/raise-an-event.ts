import assert from 'node:assert/strict'
import { EntityNames, type SyncEvent, SyncEventActions } from '@x/events-core'
import { createEventEngine } from '@x/events-engine'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'

const db = new Kysely<{ page: { id: number } }>({
  dialect: new SqliteDialect({ database: new Database(':memory:') }),
})
const engine = createEventEngine({ db })
await engine.migrate()

const { promise: handled, resolve } = Promise.withResolvers<SyncEvent>()
engine.subscribe({ entityChanged: (event) => resolve(event) }, { name: 'audit', mode: 'durable' })
await engine.start()

const site = { tenantId: 1, siteId: 7 }
const raised = await engine.syncManager.addSyncEvent(site, EntityNames.Page, 12, SyncEventActions.Create)
assert.equal((await handled).id, raised.id)

await engine.stop()
await db.destroy()
