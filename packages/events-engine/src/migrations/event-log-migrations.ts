import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'
import * as postgres from '../store/postgres/schema.ts'
import * as sqlite from '../store/sqlite/schema.ts'
import type { TableNames } from '../store/table-names.ts'

/** The engine's own migrations, oldest first; a released one never changes. */
export function eventLogMigrations(dialect: Dialect, names: TableNames): Record<string, Migration> {
  const { createEventLog } = dialect === 'sqlite' ? sqlite : postgres
  return {
    '0001_event_log': { up: (db: Kysely<unknown>) => createEventLog(db, names) },
  }
}
