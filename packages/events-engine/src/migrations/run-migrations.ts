import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { dialectOf, runStatement } from '../database.ts'

/** Migrations, and where it is noted which of them have run. */
export interface MigrationSet {
  readonly migrations: Readonly<Record<string, Migration>>
  /** What the names of Kysely's two tables begin with, so that the host's own are not touched. */
  readonly prefix: string
  /** PostgreSQL only. */
  readonly schema?: string | undefined
}

/**
 * Kysely looks for its tables in every schema of a PostgreSQL database, and would take those that another
 * application keeps in a schema of its own for ours; so that it is always told which one is meant.
 */
async function schemaOf(db: Kysely<unknown>, set: MigrationSet): Promise<string | undefined> {
  if (set.schema !== undefined || dialectOf(db) === 'sqlite') return set.schema
  const [row] = await runStatement<{ name: string | null }>(db, 'select current_schema() as name')
  return row?.name ?? undefined
}

async function migratorOf(db: Kysely<unknown>, set: MigrationSet): Promise<Migrator> {
  const schema = await schemaOf(db, set)
  return new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...set.migrations }) },
    migrationTableName: `${set.prefix}migration`,
    migrationLockTableName: `${set.prefix}migration_lock`,
    ...(schema === undefined ? {} : { migrationTableSchema: schema }),
  })
}

/** Runs what has not run yet. Safe to call on every start, and from several nodes at once. */
export async function runMigrations(db: Kysely<unknown>, set: MigrationSet): Promise<void> {
  const migrator = await migratorOf(db, set)
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

/** Whether every migration has run. */
export async function isMigrated(db: Kysely<unknown>, set: MigrationSet): Promise<boolean> {
  const migrator = await migratorOf(db, set)
  const infos = await migrator.getMigrations()
  return infos.every((info) => info.executedAt !== undefined)
}
