import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'

/** Migrations, and where it is noted which of them have run. */
export interface MigrationSet {
  readonly migrations: Readonly<Record<string, Migration>>
  /** What the names of Kysely's two tables begin with, so that the host's own are not touched. */
  readonly prefix: string
  /** PostgreSQL only. */
  readonly schema?: string | undefined
}

function migratorOf(db: Kysely<unknown>, set: MigrationSet): Migrator {
  return new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...set.migrations }) },
    migrationTableName: `${set.prefix}migration`,
    migrationLockTableName: `${set.prefix}migration_lock`,
    ...(set.schema === undefined ? {} : { migrationTableSchema: set.schema }),
  })
}

/** Runs what has not run yet. Safe to call on every start, and from several nodes at once. */
export async function runMigrations(db: Kysely<unknown>, set: MigrationSet): Promise<void> {
  const { error } = await migratorOf(db, set).migrateToLatest()
  if (error) throw error
}

/** Whether every migration has run. */
export async function isMigrated(db: Kysely<unknown>, set: MigrationSet): Promise<boolean> {
  const infos = await migratorOf(db, set).getMigrations()
  return infos.every((info) => info.executedAt !== undefined)
}
