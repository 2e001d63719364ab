// A host of its own process on a migrated database, for tests that kill it: adds rows with their events, and serves the
// events API, until its standard input is closed. Says where it listens, and what it has added.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { createEventEngine } from '@x/events-engine'
import Database from 'better-sqlite3'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import { Pool } from 'pg'
import { createEventsApi, createWebhookSender } from '../../src/index.ts'

/** What the test passes, as JSON. */
export interface EventsHostOptions {
  /** SQLite; otherwise `url`. */
  readonly file?: string | undefined
  readonly url?: string | undefined
  readonly encryptionKey: string
}

const { file, url, encryptionKey } = JSON.parse(process.argv[2] ?? '') as EventsHostOptions
const pool = file === undefined ? new Pool({ connectionString: url, max: 6 }) : undefined

function dialectOf() {
  if (pool) return new PostgresDialect({ pool })
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  return new SqliteDialect({ database })
}

const db = new Kysely<{ page: { page_id: number; name: string } }>({ dialect: dialectOf() })
const engine = createEventEngine({ db, ...(pool ? { postgres: { pool } } : {}), leaseMs: 1_000 })
const sender = createWebhookSender({ engine, encryptionKey, leaseMs: 1_000, pollMaxMs: 100 })
await sender.start()
await engine.start()
const server = createServer(createEventsApi({ sender }).node)
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)

let isAdding = true
const input = createInterface({ input: process.stdin })
input.on('line', () => {
  isAdding = false
})
input.on('close', () => process.exit())
while (isAdding) {
  await engine.transaction(async ({ trx, raise }) => {
    const { last } = await trx
      .selectFrom('page')
      .select((eb) => eb.fn.max('page_id').as('last'))
      .executeTakeFirstOrThrow()
    const first = Number(last ?? 0) + 1
    for (let id = first; id < first + 5; id++) {
      await trx.insertInto('page').values({ page_id: id, name: '' }).execute()
      await raise({ tenantId: 1, siteId: 7 }, 'Page', id, 'Create')
    }
  })
  process.stdout.write('added\n')
  await new Promise((resolve) => setTimeout(resolve, 10))
}
process.stdout.write('ended\n')
