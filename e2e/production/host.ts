import type { SyncEvent } from '@x/events-core'
import { createEventEngine, type EventEngine } from '@x/events-engine'
import { createWebhookSender, type WebhookSender } from '@x/sender'
import Database from 'better-sqlite3'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import { Pool } from 'pg'

/** A host that raises events, has one subscriber and sends webhooks. */
export interface SmallHost extends AsyncDisposable {
  readonly engine: EventEngine<unknown>
  readonly sender: WebhookSender
  /** What its subscriber was called with. */
  readonly handled: readonly SyncEvent[]
  /** On SQLite: the connection. */
  readonly database: Database.Database | undefined
  raise(...entityIds: number[]): Promise<void>
}

// A restored host has the key of the one before.
const encryptionKey = Buffer.alloc(32, 5)
const warnings: string[] = []

/** Messages that hosts have logged. */
export const logged: readonly string[] = warnings

/** Opens a host on a SQLite file, or on PostgreSQL where the place is a URL. */
export async function openHost(place: string): Promise<SmallHost> {
  const isUrl = place.startsWith('postgres:')
  const pool = isUrl ? new Pool({ connectionString: place, max: 5 }) : undefined
  const database = isUrl ? undefined : new Database(place)
  database?.pragma('journal_mode = WAL')
  const dialect = pool ? new PostgresDialect({ pool }) : new SqliteDialect({ database: database as never })
  const db = new Kysely<unknown>({ dialect })
  const note = (_details: object, message: string) => void warnings.push(message)
  const logger = { debug() {}, info() {}, warn: note, error: note }
  const engine = createEventEngine({ db, logger, ...(pool ? { postgres: { pool } } : {}) })
  const network = { allow: ['127.0.0.0/8'] }
  const sender = createWebhookSender({
    engine,
    encryptionKey,
    network,
    retrySchedule: [0, 1, 1, 1, 1, 1, 1, 1],
  })
  await sender.migrate()
  const handled: SyncEvent[] = []
  await engine.subscribe(
    { entityChanged: (event) => void handled.push(event) },
    { name: 'audit', mode: 'durable' },
  )
  await sender.start()
  await engine.start()

  return {
    engine,
    sender,
    handled,
    database,
    async raise(...entityIds) {
      for (const id of entityIds)
        await engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'File', id, 'Create', {
          data: { id, name: 'Übergröße 😀', exact: 0.1, list: [1, null] },
        })
    },
    async [Symbol.asyncDispose]() {
      await sender.stop()
      await engine.stop()
      await db.destroy()
    },
  }
}
