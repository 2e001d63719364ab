import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { createEventLog } from '../sqlite/schema.ts'
import type { TableNames } from '../table-names.ts'

/** The engine's own migrations, oldest first; a released one never changes. */
export function eventLogMigrations(names: TableNames): Record<string, Migration> {
  return {
    '0001_event_log': { up: (db: Kysely<unknown>) => createEventLog(db, names) },
  }
}
