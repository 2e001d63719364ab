import { runStatement, type SqlExecutor } from '../../sql/database.ts'
import type { TableNames } from '../table-names.ts'

/** Creates the tables. Kysely's migrator runs it in a transaction, under a lock that keeps other nodes out. */
export async function createEventLog(db: SqlExecutor, names: TableNames): Promise<void> {
  const statements = [
    ...(names.schema === undefined ? [] : [`create schema if not exists ${names.schema}`]),
    // seq is drawn at the insert, under the lock that the change holds on its entity: the order of
    // changes. xid tells which snapshots the row is visible in: the order of commits.
    `create table if not exists ${names.syncEvent} (
      seq bigint generated always as identity primary key,
      xid xid8 not null default pg_current_xact_id(),
      id text not null,
      tenant_id bigint not null,
      site_id bigint not null,
      entity_name text not null,
      entity_id text not null,
      action text not null,
      modified_on timestamptz(3) not null,
      data json,
      trace text
    )`,
    `create index if not exists ${names.prefix}sync_event_xid on ${names.syncEvent} (xid, seq)`,
    `create index if not exists ${names.prefix}sync_event_client on ${names.syncEvent} (tenant_id, modified_on)
      where action in ('Refresh', 'Reload')`,
    `create table if not exists ${names.subscription} (
      name text primary key,
      position text not null,
      state text not null default 'active',
      leased_by text,
      leased_until timestamptz not null default '-infinity',
      epoch bigint not null default 0,
      revision integer not null default 0,
      failed_attempts integer not null default 0,
      last_error text,
      failed_tenant_id bigint,
      ahead smallint not null default 0,
      held bigint
    )`,
    `create table if not exists ${names.parkedEvent} (
      id bigint generated always as identity primary key,
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
