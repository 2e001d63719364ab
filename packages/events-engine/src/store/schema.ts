import { captureDialectOf } from '../capture/capture-dialects.ts'
import { type Dialect, runStatement, type SqlExecutor } from '../sql/database.ts'
import type { SqlDialect } from '../sql/dialect.ts'
import type { TableNames } from './table-names.ts'

/** Columns and indexes by which the order of commits is known, where it is not that of the sequence. */
const ORDER_COLUMNS: Readonly<
  Record<Dialect, { readonly column: string; indexes(names: TableNames): readonly string[] }>
> = {
  sqlite: { column: '', indexes: () => [] },
  // Tells the snapshots in which the row is visible.
  postgres: {
    column: 'xid xid8 not null default pg_current_xact_id(),',
    indexes: ({ prefix, syncEvent }) => [
      `create index if not exists ${prefix}sync_event_xid on ${syncEvent} (xid, seq)`,
    ],
  },
}

/**
 * Creates the tables of the log. Each statement may be repeated, since a migration that was killed half-way starts over on
 * SQLite.
 */
export async function createEventLog(db: SqlExecutor, sql: SqlDialect, names: TableNames): Promise<void> {
  const { types, drawnKey } = sql
  const order = ORDER_COLUMNS[sql.name]
  const statements = [
    ...(names.schema === undefined ? [] : [`create schema if not exists ${names.schema}`]),
    `create table if not exists ${names.syncEvent} (
      seq ${drawnKey},
      ${order.column}
      id text not null,
      tenant_id bigint not null,
      site_id bigint not null,
      entity_name text not null,
      entity_id text not null,
      action text not null,
      modified_on ${types.time} not null,
      data ${types.json},
      trace text
    )`,
    ...order.indexes(names),
    `create index if not exists ${names.prefix}sync_event_client on ${names.syncEvent} (tenant_id, modified_on)
      where action in ('Refresh', 'Reload')`,
    `create table if not exists ${names.subscription} (
      name text primary key,
      position text not null,
      state text not null default 'active',
      leased_by text,
      leased_until bigint not null default 0,
      epoch bigint not null default 0,
      revision integer not null default 0,
      failed_attempts integer not null default 0,
      last_error text,
      failed_tenant_id bigint,
      ahead integer not null default 0,
      held bigint
    )${sql.tableOptions({ isClustered: true })}`,
    `create table if not exists ${names.parkedEvent} (
      id ${drawnKey},
      subscription text not null,
      event_id text not null,
      event text not null,
      attempts integer not null,
      error text not null,
      parked_on bigint not null,
      resume_requested smallint not null default 0,
      unique (subscription, event_id)
    )`,
  ]
  for (const statement of statements) await runStatement(db, statement)
}

/** Creates the tables that the triggers of captured tables need. */
export async function createCaptureTables(
  db: SqlExecutor,
  sql: SqlDialect,
  names: TableNames,
): Promise<void> {
  for (const statement of captureDialectOf(sql.name).tables(names)) await runStatement(db, statement)
}
