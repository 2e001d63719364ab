import type { Dialect, MigrationSet } from '@x/events-engine/internal'
import type { Kysely } from 'kysely'
import { createWebhookTables as createInPostgres } from '../postgres/schema.ts'
import { createWebhookTables as createInSqlite } from '../sqlite/schema.ts'
import type { TableNames } from '../table-names.ts'

/** The sender's own migrations, oldest first; a released one never changes. */
export function webhookMigrations(dialect: Dialect, names: TableNames): MigrationSet {
  const createWebhookTables = dialect === 'postgres' ? createInPostgres : createInSqlite
  return {
    migrations: {
      '0001_webhooks': { up: (db: Kysely<unknown>) => createWebhookTables(db, names) },
    },
    prefix: names.prefix,
    schema: names.schema,
  }
}
