import { randomBytes } from 'node:crypto'
import { Kysely, PostgresDialect } from 'kysely'
import { Client, Pool } from 'pg'
import { inject } from 'vitest'

/** How {@link PostgresDatabase} is connected to. */
export interface ConnectOptions {
  readonly max?: number
  /** Another way to the same database: through a proxy, or under a name. */
  readonly url?: string | undefined
}

/** A database of a test's own. */
export interface PostgresDatabase<DB> extends AsyncDisposable {
  readonly url: string
  readonly pool: Pool
  readonly db: Kysely<DB>
  /** Another pool of connections to it, as another process would have. */
  connect(options?: ConnectOptions): { readonly pool: Pool; readonly db: Kysely<DB> }
}

/** Creates an empty database, dropped with everything in it when the test lets go of it. */
export async function postgresDatabase<DB>(serverUrl = inject('postgresUrl')): Promise<PostgresDatabase<DB>> {
  const name = `x_events_${randomBytes(6).toString('hex')}`
  await asAdministrator(serverUrl, `create database ${name}`)
  const location = new URL(serverUrl)
  location.pathname = `/${name}`
  const opened: Kysely<DB>[] = []

  function connect({ max = 10, url = location.href }: ConnectOptions = {}) {
    const pool = new Pool({ connectionString: url, max })
    // Idle connections that the server ends are replaced at the next use.
    pool.on('error', () => {})
    const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) })
    opened.push(db)
    return { pool, db }
  }
  const { pool, db } = connect()

  return {
    url: location.href,
    pool,
    db,
    connect,
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((one) => one.destroy()))
      await asAdministrator(serverUrl, `drop database if exists ${name} with (force)`)
    },
  }
}

async function asAdministrator(serverUrl: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
