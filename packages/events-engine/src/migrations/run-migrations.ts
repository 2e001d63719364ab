import type { Kysely } from 'kysely'
import { text } from '../sql/columns.ts'
import { findsRow, readRows, runStatement, type SqlExecutor } from '../sql/database.ts'
import { limitIdle, sqlOf } from '../sql/dialects.ts'
import { ownTransaction } from '../sql/transact.ts'

/** One step of a schema: what Kysely 0.28 and 0.29 each call a `Migration`, of modules with different names. */
export interface EventLogMigration {
  up(db: Kysely<unknown>): Promise<void>
}

/** Migrations, and the table that records which of them have run. */
export interface MigrationSet {
  readonly migrations: Readonly<Record<string, EventLogMigration>>
  /** The prefix of that table's name, so that the host's own is not touched. */
  readonly prefix: string
  /** PostgreSQL only. */
  readonly schema?: string | undefined
}

/** Longest pause between two statements of a migration. */
const IDLE_MS = 60_000

/** Creates the statements about the table of migrations that have run, which is the one of Kysely's own migrator. */
function notesOf(db: Kysely<unknown>, { prefix, schema }: MigrationSet) {
  const sql = sqlOf(db)
  const name = `${schema === undefined ? '' : `${schema}.`}${prefix}migration`
  const exists = sql.findTableIn(schema, `${prefix}migration`)
  const insert = sql.statement(`insert into ${name} (name, timestamp) values ($1, $2)`)

  return {
    async read(executor: SqlExecutor): Promise<ReadonlySet<string>> {
      if (!(await findsRow(executor, exists))) return new Set()
      const rows = await readRows(executor, { name: text }, `select name from ${name}`)
      return new Set(rows.map((row) => row.name))
    },
    async create(executor: SqlExecutor): Promise<void> {
      if (schema !== undefined) await runStatement(executor, `create schema if not exists ${schema}`)
      await runStatement(
        executor,
        `create table if not exists ${name} (name varchar(255) not null primary key, timestamp varchar(255) not null)`,
      )
    },
    async add(executor: SqlExecutor, migration: string): Promise<void> {
      await runStatement(executor, insert, [migration, new Date().toISOString()])
    },
  }
}

/**
 * Runs the migrations that have not run yet, in one transaction. It is safe to call on every start, and from several nodes
 * at once: the second waits for a lock that ends with the transaction. A lock of the session, as Kysely's migrator takes
 * it, would stay on a pooler's connection. Where all have run, nothing is locked.
 */
export async function runMigrations(db: Kysely<unknown>, set: MigrationSet): Promise<void> {
  if (await isMigrated(db, set)) return
  const notes = notesOf(db, set)
  // At this level, a node that has waited for the lock sees what was done meanwhile.
  await ownTransaction(db, async (trx) => {
    const sql = sqlOf(db)
    await limitIdle(trx, sql, IDLE_MS)
    if (sql.lockName) await runStatement(trx, sql.lockName, [`${set.schema ?? ''}.${set.prefix} migration`])
    await notes.create(trx)
    const done = await notes.read(trx)
    for (const [name, migration] of Object.entries(set.migrations)) {
      if (done.has(name)) continue
      await migration.up(trx)
      await notes.add(trx, name)
    }
  })
}

/** Whether every migration has run. */
export async function isMigrated(db: Kysely<unknown>, set: MigrationSet): Promise<boolean> {
  const done = await notesOf(db, set).read(db)
  return Object.keys(set.migrations).every((name) => done.has(name))
}
