import { captureNames } from '../capture/sql.ts'
import { runStatement, type SqlExecutor } from '../sql/database.ts'
import type { TableNames } from '../store/table-names.ts'

/**
 * What the triggers of captured tables need on SQLite, where a trigger can only see tables of its
 * own database. PostgreSQL needs none: a setting of the transaction does.
 */
export async function createCaptureTables(db: SqlExecutor, names: TableNames): Promise<void> {
  const own = captureNames(names)
  await runStatement(
    db,
    `create table if not exists ${own.context} (
      singleton integer primary key check (singleton = 1),
      tenant_id integer not null,
      site_id integer not null
    )`,
  )
  await runStatement(
    db,
    `create table if not exists ${own.replaced} (
      source text not null,
      row_key,
      tenant_id integer,
      site_id integer,
      entity_id text,
      data text
    )`,
  )
}
