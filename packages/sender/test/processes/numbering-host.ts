// One of several hosts on one database, for tests that kill it: raises events, delivers them, and kills itself within
// one of the transactions that number messages, if it is told which. Says so on its standard output, a word a line.
import process from 'node:process'
import { createEventEngine } from '@x/events-engine'
import Database from 'better-sqlite3'
import { type Dialect, Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import { Pool } from 'pg'
import { createWebhookSender } from '../../src/index.ts'

/** The argument, as JSON. */
export interface NumberingHostOptions {
  /** SQLite; PostgreSQL where there is none. */
  readonly file: string | undefined
  readonly url: string
  readonly encryptionKey: string
  readonly events: number
  /** It dies within the transaction that is the so manieth to number messages; never where there is none. */
  readonly diesAt?: number
  /** Raises more, one after the other, until it dies: all that wait may be numbered in few transactions. */
  readonly raisesUntilDeath?: boolean
}

process.stdin.on('end', () => process.exit(3)).resume()
const {
  file,
  url,
  encryptionKey,
  events,
  diesAt,
  raisesUntilDeath = false,
} = JSON.parse(process.argv[2] ?? '{}') as NumberingHostOptions

let numberings = 0
/** Called when a statement is done: of what follows in its transaction, the commit too, nothing happens any more. */
function afterStatement(sql: string): void {
  if (/^update \S*webhook_sequence"?\s/.test(sql) && ++numberings === diesAt) {
    process.kill(process.pid, 'SIGKILL')
  }
}

function open() {
  if (file === undefined) {
    const pool = new Pool({ connectionString: url, max: 6 })
    pool.on('error', () => {})
    return { dialect: new PostgresDialect({ pool }), postgres: { pool } }
  }
  const database = new Database(file, { timeout: 20_000 })
  database.pragma('journal_mode = WAL')
  return { dialect: new SqliteDialect({ database }) }
}

/** The same dialect, whose connections tell of each statement. */
function told(dialect: Dialect): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver() {
      const driver = dialect.createDriver()
      const acquire = driver.acquireConnection.bind(driver)
      const seen = new WeakSet<object>()
      driver.acquireConnection = async (...parameters) => {
        const connection = await acquire(...parameters)
        if (!seen.has(connection)) {
          seen.add(connection)
          const execute = connection.executeQuery.bind(connection)
          connection.executeQuery = async (query, ...rest) => {
            const result = await execute(query, ...rest)
            afterStatement(query.sql)
            return result as never
          }
        }
        return connection
      }
      return driver
    },
  }
}

const { dialect, ...postgres } = open()
const engine = createEventEngine({
  db: new Kysely<unknown>({ dialect: told(dialect) }),
  ...postgres,
  leaseMs: 2_000,
})
const sender = createWebhookSender({
  engine,
  encryptionKey,
  network: { allow: ['127.0.0.0/8'] },
  leaseMs: 2_000,
  pollMaxMs: 200,
})
await engine.start()
await sender.start()
process.stdout.write('started\n')
for (let id = 1; id <= events || raisesUntilDeath; id++) {
  await engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'Page', id, 'Update')
  if (id % 10 === 0) await new Promise(setImmediate)
  if (id > events) await new Promise((resolve) => setTimeout(resolve, 50))
}
process.stdout.write('raised\n')
setInterval(() => {}, 1_000)
