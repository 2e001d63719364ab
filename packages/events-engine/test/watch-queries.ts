import { temporaryFolder } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import Database from 'better-sqlite3'
import { type CompiledQuery, Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import type { HostTables } from './open-engine.ts'

/** A database whose queries are seen. */
export interface WatchedDatabase extends AsyncDisposable {
  readonly db: Kysely<HostTables>
}

/** @param watch - called for each query, in the asynchronous context of its caller. */
export async function openWatchedDatabase(
  dialect: 'sqlite' | 'postgres',
  watch: (query: CompiledQuery) => void,
): Promise<WatchedDatabase> {
  const log = (event: { readonly query: CompiledQuery }) => watch(event.query)
  if (dialect === 'postgres') {
    const database = await postgresDatabase<HostTables>()
    const db = new Kysely<HostTables>({
      dialect: new PostgresDialect({ pool: database.pool }),
      log,
    })
    return { db, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() }
  }
  const folder = await temporaryFolder()
  const database = new Database(`${folder.path}/host.db`)
  database.pragma('journal_mode = WAL')
  const db = new Kysely<HostTables>({
    dialect: new SqliteDialect({ database }),
    log,
  })
  return {
    db,
    async [Symbol.asyncDispose]() {
      await db.destroy()
      await folder[Symbol.asyncDispose]()
    },
  }
}
