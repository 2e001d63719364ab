// A host of its own process on a migrated database with endpoints and settings of alerts, which kills itself around a statement
// about an alert: raises an event if it is told so, and delivers until its end.
import process from 'node:process'
import { createEventEngine } from '@x/events-engine'
import { observedDialect, type StatementObserver } from '@x/testkit/observed-dialect'
import Database from 'better-sqlite3'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import { Pool } from 'pg'
import { createWebhookSender } from '../../src/index.ts'

/** Where it kills itself: when an alert is noted, before it is taken to be sent, or when it was sent and is to be ended. */
export type AlertKillPoint = 'noted' | 'taking' | 'taken' | 'ending'

/** What {@link startProcess} passes, as JSON. */
export interface AlertingHostOptions {
  readonly file: string | undefined
  readonly url: string
  readonly encryptionKey: string
  readonly raises: boolean
  readonly killAt: AlertKillPoint | undefined
}

const { file, url, encryptionKey, raises, killAt } = JSON.parse(process.argv[2] ?? '') as AlertingHostOptions

const IS_NOTE = /insert into \S*xe_webhook_alert\b/
const IS_TAKE = /update \S*xe_webhook_alert set taken_until = /
const IS_END = /update \S*xe_webhook_alert set count = /
const noting = new WeakSet<object>()

function reach(point: AlertKillPoint): void {
  if (point === killAt) process.kill(process.pid, 'SIGKILL')
}

const observer: StatementObserver = {
  before(statement) {
    if (IS_TAKE.test(statement)) reach('taking')
    if (IS_END.test(statement)) reach('ending')
  },
  after(statement, connection) {
    if (IS_NOTE.test(statement)) noting.add(connection)
    if (/^\s*commit/.test(statement) && noting.delete(connection)) reach('noted')
    if (IS_TAKE.test(statement)) reach('taken')
  },
}

function open() {
  if (file === undefined) {
    const pool = new Pool({ connectionString: url, max: 6 })
    const db = new Kysely<unknown>({ dialect: observedDialect(new PostgresDialect({ pool }), observer) })
    return { db, postgres: { pool } }
  }
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  return { db: new Kysely<unknown>({ dialect: observedDialect(new SqliteDialect({ database }), observer) }) }
}

const engine = createEventEngine({ ...open(), leaseMs: 2_000 })
const sender = createWebhookSender({
  engine,
  encryptionKey,
  network: { allow: ['127.0.0.0/8'] },
  retrySchedule: [0],
  leaseMs: 1_000,
  // An alert that a busy machine is slow to take would be sent again.
  timeoutMs: 5_000,
})
await sender.start()
await engine.start()
if (raises) await engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'File', 1, 'Update')
process.stdout.write('started\n')
setInterval(() => {}, 1_000)
