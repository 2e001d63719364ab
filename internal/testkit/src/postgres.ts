import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { Kysely, PostgresDialect } from 'kysely'
import { Pool, type PoolClient } from 'pg'
import { inject } from 'vitest'
import { observedDialect, type StatementObserver } from './observed-dialect.ts'
import { asAdministrator, templateName } from './postgres-administrator.ts'

/** How {@link PostgresDatabase} is connected to. */
export interface ConnectOptions {
  readonly max?: number
  /** Another way to the same database: through a proxy, or under a name. */
  readonly url?: string | undefined
  /** Is told of each statement that runs on these connections. */
  readonly observer?: StatementObserver | undefined
}

/** A database of a test's own. */
export interface PostgresDatabase<DB> extends AsyncDisposable {
  readonly url: string
  readonly pool: Pool
  readonly db: Kysely<DB>
  /** Another pool of connections to it, as another process would have. */
  connect(options?: ConnectOptions): { readonly pool: Pool; readonly db: Kysely<DB> }
  /** Ends all connections, and keeps the database. */
  disconnect(): Promise<void>
}

/** What databases begin with; it is made once for all tests of a run. */
export interface DatabaseTemplate {
  readonly name: string
  /** Fills an empty database. */
  fill(database: PostgresDatabase<unknown>): Promise<void>
}

/**
 * Creates a database, dropped with everything in it when the test lets go of it. It is empty, or a copy of
 * the template.
 */
export async function postgresDatabase<DB>(
  serverUrl = inject('postgresUrl'),
  template?: DatabaseTemplate,
): Promise<PostgresDatabase<DB>> {
  const name = `x_events_${randomBytes(6).toString('hex')}`
  const from = template ? await ensureTemplate(serverUrl, template) : 'template1'
  await asAdministrator(serverUrl, (client) => createDatabase(client, name, from))
  return databaseOf(serverUrl, name)
}

// Copying its files takes half of what going through the write-ahead log takes, which 14 and older do not do.
async function createDatabase(client: PoolClient, name: string, from: string): Promise<void> {
  const { rows } = await client.query('show server_version_num')
  const strategy = Number(rows[0].server_version_num) >= 150_000 ? 'strategy file_copy' : ''
  await client.query(`create database ${name} template ${from} ${strategy}`)
}

// A connection that its pool has ended may not have closed yet, and would fail where nobody listens any more.
async function untilUnused(client: PoolClient, name: string): Promise<void> {
  for (let look = 0; look < 40; look++) {
    const { rowCount } = await client.query('select from pg_stat_activity where datname = $1 limit 1', [name])
    if (rowCount === 0) return
    await setTimeout(5)
  }
}

function databaseOf<DB>(serverUrl: string, name: string): PostgresDatabase<DB> {
  const location = new URL(serverUrl)
  location.pathname = `/${name}`
  const opened: Kysely<DB>[] = []

  function connect({ max = 10, url = location.href, observer }: ConnectOptions = {}) {
    const pool = new Pool({ connectionString: url, max })
    // Idle connections that the server ends are replaced at the next use.
    pool.on('error', () => {})
    const dialect = new PostgresDialect({ pool })
    const db = new Kysely<DB>({ dialect: observer ? observedDialect(dialect, observer) : dialect })
    opened.push(db)
    return { pool, db }
  }
  const { pool, db } = connect()
  const disconnect = async () => {
    await Promise.all(opened.splice(0).map((one) => one.destroy()))
  }

  return {
    url: location.href,
    pool,
    db,
    connect,
    disconnect,
    async [Symbol.asyncDispose]() {
      await disconnect()
      await asAdministrator(serverUrl, async (client) => {
        await untilUnused(client, name)
        await client.query(`drop database if exists ${name} with (force)`)
      })
    },
  }
}

const templates = new Map<string, Promise<string>>()

function ensureTemplate(serverUrl: string, template: DatabaseTemplate): Promise<string> {
  const name = templateName(inject('postgresRun'), template.name)
  const key = `${serverUrl} ${name}`
  const known = templates.get(key)
  if (known) return known
  const making = makeTemplate(serverUrl, name, template)
  templates.set(key, making)
  // What failed once is tried again by the next test.
  making.catch(() => templates.delete(key))
  return making
}

async function makeTemplate(serverUrl: string, name: string, { fill }: DatabaseTemplate): Promise<string> {
  await asAdministrator(serverUrl, async (client) => {
    // Whichever process comes first makes it, and others wait.
    await client.query(`select pg_advisory_lock(hashtext($1))`, [name])
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
    if (rowCount === 0) {
      const unfinished = `${name}_unfinished`
      await client.query(`drop database if exists ${unfinished} with (force)`)
      await createDatabase(client, unfinished, 'template1')
      const database = databaseOf<unknown>(serverUrl, unfinished)
      await fill(database)
      await database.disconnect()
      await client.query(`alter database ${unfinished} rename to ${name}`)
    }
    await client.query(`select pg_advisory_unlock(hashtext($1))`, [name])
  })
  return name
}
