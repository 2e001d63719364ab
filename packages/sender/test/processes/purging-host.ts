// A host of its own process, for tests that kill it: purges a tenant, and ends when its input is closed.
import process from 'node:process'
import { createEventEngine } from '@x/events-engine'
import Database from 'better-sqlite3'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import { Pool } from 'pg'
import { createWebhookSender } from '../../src/index.ts'

/** The argument, as JSON. */
export interface PurgingHostOptions {
  /** SQLite; PostgreSQL where there is none. */
  readonly file: string | undefined
  readonly url: string
  readonly encryptionKey: string
  readonly tenantId: number
}

process.stdin.on('end', () => process.exit(3)).resume()
const { file, url, encryptionKey, tenantId } = JSON.parse(process.argv[2] ?? '{}') as PurgingHostOptions
const dialect =
  file === undefined
    ? new PostgresDialect({ pool: new Pool({ connectionString: url }) })
    : new SqliteDialect({ database: new Database(file) })
const engine = createEventEngine({ db: new Kysely<unknown>({ dialect }) })
const sender = createWebhookSender({ engine, encryptionKey })
await sender.purgeTenant(tenantId)
process.stdout.write('purged\n')
