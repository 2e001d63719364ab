import { type Kysely, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { contentTables } from './migrations/0001-content.ts'
import { downloadLogTable } from './migrations/0002-download-log.ts'
import { installationTable } from './migrations/0003-installation.ts'
import { peopleAndModules } from './migrations/0004-people-and-modules.ts'
import type { HostTables } from './tables.ts'

const migrations = {
  '0001-content': contentTables,
  '0002-download-log': downloadLogTable,
  '0003-installation': installationTable,
  '0004-people-and-modules': peopleAndModules,
}

/** Brings the host's own tables up to date; engine and sender see to theirs. */
export async function migrateHostTables(db: Kysely<HostTables>): Promise<void> {
  if (!db.getExecutor().adapter.supportsTransactionalDdl) return runMigrations(db)
  // Kysely's migrator takes a lock of the session, which a pooler in transaction mode hands to others. Within one
  // transaction, behind a lock that ends with it, that does no harm.
  await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('reference-host migration'))`.execute(trx)
    await runMigrations(trx)
  })
}

async function runMigrations(db: Kysely<HostTables>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}
