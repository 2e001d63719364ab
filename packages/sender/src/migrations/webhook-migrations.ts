import type { Dialect, MigrationSet } from '@x/events-engine/support'
import type { Kysely } from 'kysely'
import * as postgres from '../postgres/schema.ts'
import * as sqlite from '../sqlite/schema.ts'
import type { TableNames } from '../table-names.ts'

/** The sender's own migrations, oldest first; a released one never changes. */
export function webhookMigrations(dialect: Dialect, names: TableNames): MigrationSet {
  const { createWebhookTables } = dialect === 'postgres' ? postgres : sqlite
  return {
    migrations: {
      '0001_webhooks': { up: (db: Kysely<unknown>) => createWebhookTables(db, names) },
    },
    prefix: names.prefix,
    schema: names.schema,
  }
}
