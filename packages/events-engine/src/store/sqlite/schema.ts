import { runStatement, type SqlExecutor } from '../../sql/database.ts'
import type { TableNames } from '../table-names.ts'

/**
 * Creates the tables. Each statement may be repeated: SQLite's migrations run outside a transaction,
 * so that one that was killed half-way starts over.
 */
export async function createEventLog(db: SqlExecutor, names: TableNames): Promise<void> {
  const statements = [
    // AUTOINCREMENT: a sequence that retention freed must never come back, or readers would skip it.
    `create table if not exists ${names.syncEvent} (
      seq integer primary key autoincrement,
      id text not null,
      tenant_id integer not null,
      site_id integer not null,
      entity_name text not null,
      entity_id text not null,
      action text not null,
      modified_on integer not null,
      data text,
      trace text
    )`,
    `create index if not exists ${names.syncEvent}_client on ${names.syncEvent} (tenant_id, modified_on)
      where action in ('Refresh', 'Reload')`,
    `create table if not exists ${names.subscription} (
      name text primary key,
      position text not null,
      state text not null default 'active',
      leased_by text,
      leased_until integer not null default 0,
      epoch integer not null default 0,
      revision integer not null default 0,
      failed_attempts integer not null default 0,
      last_error text,
      failed_tenant_id integer,
      ahead integer not null default 0,
      held integer
    ) without rowid`,
    `create table if not exists ${names.parkedEvent} (
      id integer primary key,
      subscription text not null,
      event_id text not null,
      event text not null,
      attempts integer not null,
      error text not null,
      parked_on integer not null,
      resume_requested integer not null default 0,
      unique (subscription, event_id)
    )`,
  ]
  for (const statement of statements) await runStatement(db, statement)
}
