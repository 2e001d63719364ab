// A host of its own process on a migrated database with endpoints, which kills itself in the midst of a record: raises events
// in one transaction, and delivers until its end.
import process from 'node:process'
import { createEventEngine } from '@x/events-engine'
import { observedDialect, type StatementObserver } from '@x/testkit/observed-dialect'
import Database from 'better-sqlite3'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import { Pool } from 'pg'
import { createWebhookSender } from '../../src/index.ts'

/** Where it kills itself: at the statement that writes deliveries or messages, or at the COMMIT of those. */
export interface KillPoint {
  readonly when: 'before' | 'after'
  readonly statement: 'write' | 'commit'
  /** Which of those that it gets to. */
  readonly nth: number
}

/** What {@link startProcess} passes, as JSON. */
export interface RecordingHostOptions {
  readonly file: string | undefined
  readonly url: string
  readonly encryptionKey: string
  /** The ids of the events to raise. */
  readonly from: number
  readonly to: number
  readonly killAt: KillPoint | undefined
}

const { file, url, encryptionKey, from, to, killAt } = JSON.parse(
  process.argv[2] ?? '',
) as RecordingHostOptions

const writing = new WeakSet<object>()
/** Once its events are raised. */
let isArmed = false
let passed = 0

function reach(when: KillPoint['when'], statement: KillPoint['statement']): void {
  if (!isArmed || killAt?.when !== when || killAt.statement !== statement) return
  passed += 1
  if (passed === killAt.nth) process.kill(process.pid, 'SIGKILL')
}

const isWrite = (statement: string) => /insert into \S*xe_webhook_(?:delivery|message)\b/.test(statement)
const isCommit = (statement: string) => /^\s*commit/.test(statement)

const observer: StatementObserver = {
  before(statement, connection) {
    if (isWrite(statement)) reach('before', 'write')
    if (isCommit(statement) && writing.has(connection)) reach('before', 'commit')
  },
  after(statement, connection) {
    if (isWrite(statement)) {
      writing.add(connection)
      reach('after', 'write')
    }
    if (isCommit(statement) && writing.delete(connection)) reach('after', 'commit')
  },
}

function open() {
  if (file !== undefined) {
    const database = new Database(file)
    database.pragma('journal_mode = WAL')
    return { dialect: new SqliteDialect({ database }), postgres: undefined }
  }
  const pool = new Pool({ connectionString: url, max: 6 })
  return { dialect: new PostgresDialect({ pool }), postgres: { pool } }
}

const { dialect, postgres } = open()
const db = new Kysely<unknown>({ dialect: observedDialect(dialect, observer) })
const engine = createEventEngine({ db, postgres, leaseMs: 1_000 })
const sender = createWebhookSender({
  engine,
  encryptionKey,
  network: { allow: ['127.0.0.0/8'] },
  leaseMs: 1_000,
  retrySchedule: [0, 0, 0, 1, 1, 1, 1, 1],
})
await sender.start()
await engine.start()
if (from <= to) {
  await engine.transaction(async ({ raise }) => {
    for (let id = from; id <= to; id++) await raise({ tenantId: 1, siteId: 7 }, 'File', id, 'Update')
  })
}
isArmed = true
await sender.drain()
process.stdout.write('drained\n')
setInterval(() => {}, 1_000)
