import { captureNames } from '../capture/sql.ts'
import { type Dialect, runStatement, type SqlExecutor } from '../sql/database.ts'
import type { TableNames } from './table-names.ts'

/** The types and clauses of the log's tables that differ. All others are written alike. */
interface SchemaParts {
  readonly sequence: string
  /** Columns that one dialect needs beside the others. */
  readonly order: string
  readonly time: string
  readonly json: string
  readonly leaseEnd: string
  /** The key of a parked event. */
  readonly id: string
  readonly keyedByText: string
}

const PARTS: Readonly<Record<Dialect, SchemaParts>> = {
  sqlite: {
    // AUTOINCREMENT: a sequence that retention has freed must never come back, or readers would skip it.
    sequence: 'integer primary key autoincrement',
    order: '',
    time: 'integer',
    json: 'text',
    leaseEnd: 'integer not null default 0',
    id: 'integer primary key',
    keyedByText: ' without rowid',
  },
  postgres: {
    // Drawn at the insert, under the lock that the change holds on its entity: the order of changes.
    sequence: 'bigint generated always as identity primary key',
    // Tells the snapshots in which the row is visible: the order of commits.
    order: 'xid xid8 not null default pg_current_xact_id(),',
    time: 'timestamptz(3)',
    json: 'json',
    leaseEnd: "timestamptz not null default '-infinity'",
    id: 'bigint generated always as identity primary key',
    keyedByText: '',
  },
}

/**
 * Creates the tables of the log. Each statement may be repeated, since a migration that was killed half-way starts over on
 * SQLite.
 */
export async function createEventLog(db: SqlExecutor, dialect: Dialect, names: TableNames): Promise<void> {
  const { sequence, order, time, json, leaseEnd, id, keyedByText } = PARTS[dialect]
  const statements = [
    ...(names.schema === undefined ? [] : [`create schema if not exists ${names.schema}`]),
    `create table if not exists ${names.syncEvent} (
      seq ${sequence},
      ${order}
      id text not null,
      tenant_id bigint not null,
      site_id bigint not null,
      entity_name text not null,
      entity_id text not null,
      action text not null,
      modified_on ${time} not null,
      data ${json},
      trace text
    )`,
    ...(dialect === 'postgres'
      ? [`create index if not exists ${names.prefix}sync_event_xid on ${names.syncEvent} (xid, seq)`]
      : []),
    `create index if not exists ${names.prefix}sync_event_client on ${names.syncEvent} (tenant_id, modified_on)
      where action in ('Refresh', 'Reload')`,
    `create table if not exists ${names.subscription} (
      name text primary key,
      position text not null,
      state text not null default 'active',
      leased_by text,
      leased_until ${leaseEnd},
      epoch bigint not null default 0,
      revision integer not null default 0,
      failed_attempts integer not null default 0,
      last_error text,
      failed_tenant_id bigint,
      ahead integer not null default 0,
      held bigint
    )${keyedByText}`,
    `create table if not exists ${names.parkedEvent} (
      id ${id},
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

/**
 * Creates the tables that the triggers of captured tables need on SQLite, where a trigger can only use tables of its own
 * database. On PostgreSQL a setting of the transaction serves instead.
 */
export async function createCaptureTables(
  db: SqlExecutor,
  dialect: Dialect,
  names: TableNames,
): Promise<void> {
  if (dialect === 'postgres') return
  const own = captureNames(names)
  const statements = [
    `create table if not exists ${own.context} (
      singleton integer primary key check (singleton = 1),
      tenant_id integer not null,
      site_id integer not null
    )`,
    `create table if not exists ${own.replaced} (
      source text not null,
      row_key,
      tenant_id integer,
      site_id integer,
      entity_id text,
      data text
    )`,
  ]
  for (const statement of statements) await runStatement(db, statement)
}
