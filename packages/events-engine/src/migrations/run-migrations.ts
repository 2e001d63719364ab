import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'

/** Which of the migrations have run, under tables of one's own. */
export interface MigrationSet {
  readonly migrations: Readonly<Record<string, Migration>>
  readonly migrationTable: string
  readonly migrationLockTable: string
}

function migratorOf(db: Kysely<unknown>, set: MigrationSet): Migrator {
  return new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...set.migrations }) },
    migrationTableName: set.migrationTable,
    migrationLockTableName: set.migrationLockTable,
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
