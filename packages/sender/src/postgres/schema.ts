import { runStatement, type SqlExecutor } from '@x/events-engine/internal'
import type { TableNames } from '../table-names.ts'

/**
 * Creates the tables; Kysely's migrator runs it in a transaction. Times are milliseconds, as everywhere in
 * this package, except for the ends of leases, which only this database measures.
 */
export async function createWebhookTables(db: SqlExecutor, names: TableNames): Promise<void> {
  const key = 'key bigint generated always as identity primary key'
  const statements = [
    ...(names.schema === undefined ? [] : [`create schema if not exists ${names.schema}`]),
    `create table if not exists ${names.endpoint} (
      ${key},
      id text not null unique,
      tenant_id bigint not null,
      site_id bigint,
      url text not null,
      event_types text not null,
      content_filter text,
      description text not null,
      headers text not null,
      metadata text not null,
      signature text not null,
      concurrency text not null,
      ordering text not null,
      rate_limit text,
      retry_schedule text,
      format text not null,
      payload_version text,
      ownership text,
      enabled boolean not null default true,
      disabled_reason text,
      disabled_on bigint,
      version integer not null default 1,
      created_on bigint not null,
      updated_on bigint not null,
      deleted_on bigint
    )`,
    `create index if not exists ${names.prefix}endpoint_tenant on ${names.endpoint} (tenant_id, key)`,
    `create table if not exists ${names.secret} (
      ${key},
      endpoint_key bigint not null,
      sealed text not null,
      key_id text not null,
      created_on bigint not null,
      expires_on bigint
    )`,
    `create index if not exists ${names.prefix}secret_endpoint on ${names.secret} (endpoint_key)`,
    // What requests to an endpoint show of themselves, beside what is shown of it.
    `create table if not exists ${names.certificate} (
      endpoint_key bigint primary key,
      sealed text not null,
      key_id text not null,
      subject text not null,
      fingerprint text not null,
      expires_on bigint not null
    )`,
    // One row, which every change of an endpoint raises.
    `create table if not exists ${names.revision} (id integer primary key check (id = 1), value bigint not null)`,
    `insert into ${names.revision} (id, value) values (1, 0) on conflict do nothing`,
    // One row: when what is stored is looked through next, by whoever comes first.
    `create table if not exists ${names.reconciliation} (
      id integer primary key check (id = 1), next_on bigint not null default 0, clock_on bigint not null default 0)`,
    `insert into ${names.reconciliation} (id) values (1) on conflict do nothing`,
    `create table if not exists ${names.message} (
      ${key},
      event_id text not null,
      event_type text not null,
      tenant_id bigint not null,
      site_id bigint not null,
      created_on bigint not null,
      body text not null,
      traceparent text,
      variant text,
      headers text
    )`,
    // Which of an event's messages there are. Ids ascend with time: each entry is written beside the last.
    `create index if not exists ${names.prefix}message_event on ${names.message} (event_id)`,
    // What is stored first is changed at least once, soon after: there is room for that beside it.
    `create table if not exists ${names.delivery} (
      message_key bigint not null,
      endpoint_key bigint not null,
      state text not null default 'pending',
      due_on bigint,
      lane text,
      attempt_count integer not null default 0,
      step integer not null default 0,
      created_on bigint not null,
      finished_on bigint,
      last_status integer,
      last_error_code text,
      manual boolean,
      event_seq bigint,
      duration_ms integer,
      url text,
      signature text,
      response_body text,
      primary key (message_key, endpoint_key)
    ) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05)`,
    // What was sent straight from the log has no message; its first attempt lies in the row, unless the url is null.
    `create index if not exists ${names.prefix}delivery_event on ${names.delivery} (event_seq)
      where event_seq is not null`,
    `create index if not exists ${names.prefix}delivery_endpoint on ${names.delivery} (endpoint_key, message_key)`,
    `create index if not exists ${names.prefix}delivery_due on ${names.delivery}
      (endpoint_key, (attempt_count > 0), due_on, message_key) where state = 'pending'`,
    // What is due in a lane, and what waits there without a due time.
    `create index if not exists ${names.prefix}delivery_lane
      on ${names.delivery} (endpoint_key, lane, due_on, message_key) where state = 'pending' and lane is not null`,
    // What people have asked for: few, and found at once whatever waits.
    `create index if not exists ${names.prefix}delivery_manual on ${names.delivery} (endpoint_key, due_on, message_key)
      where state = 'pending' and manual is not null`,
    // Empty: in no lane, what is pending has a due time.
    `create index if not exists ${names.prefix}delivery_stray on ${names.delivery} (endpoint_key)
      where state = 'pending' and lane is null and due_on is null`,
    // For lists of what came to no good end: few, among many that did.
    `create index if not exists ${names.prefix}delivery_exhausted on ${names.delivery} (endpoint_key, message_key)
      where state = 'exhausted'`,
    `create index if not exists ${names.prefix}delivery_cancelled on ${names.delivery} (endpoint_key, message_key)
      where state = 'cancelled'`,
    `create table if not exists ${names.attempt} (
      message_key bigint not null,
      endpoint_key bigint not null,
      number integer not null,
      started_on bigint not null,
      duration_ms bigint not null,
      url text not null,
      signature text not null,
      status integer,
      error_code text,
      error_message text,
      response_body text,
      primary key (message_key, endpoint_key, number)
    )`,
    // An endpoint's row exists once it has had a delivery. first_on is never later than the due time of any
    // that is pending, so that reading can pass over the remains of all that are done; due_on tells when to
    // look: not before first_on, nor before a pause has ended unless a person has asked for something. handed_back is the epoch of the lease that
    // was handed back last.
    `create table if not exists ${names.queue} (
      endpoint_key bigint primary key,
      due_on bigint,
      first_on bigint,
      leased_by text,
      leased_until bigint not null default 0,
      epoch bigint not null default 0,
      handed_back bigint not null default 0,
      failing_since bigint,
      not_before bigint not null default 0,
      details text,
      rate text,
      resets bigint not null default 0
    ) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05)`,
    `create index if not exists ${names.prefix}queue_due on ${names.queue} (due_on) where due_on is not null`,
    `create index if not exists ${names.prefix}queue_leased on ${names.queue} (leased_by) where leased_by is not null`,
    // Counts of attempts, by the minute, and after a day by the hour; endpoint 0 is all of the tenant's.
    `create table if not exists ${names.statistic} (
      tenant_id bigint not null,
      endpoint_key bigint not null,
      seconds integer not null,
      from_on bigint not null,
      succeeded bigint not null,
      failed bigint not null,
      exhausted bigint not null,
      latency text not null,
      primary key (tenant_id, endpoint_key, seconds, from_on)
    )`,
    // What each batch of results adds to them, until it is added.
    `create table if not exists ${names.tally} (${key}, body text not null)`,
    `create table if not exists ${names.job} (
      ${key},
      id text not null unique,
      tenant_id bigint not null,
      endpoint_key bigint not null,
      kind text not null,
      state text not null default 'running',
      options text not null,
      position text not null,
      done bigint not null default 0,
      total bigint not null,
      affected bigint not null default 0,
      error_message text,
      created_on bigint not null,
      finished_on bigint,
      version bigint not null default 0,
      leased_by text,
      leased_until bigint not null default 0
    )`,
    `create index if not exists ${names.prefix}job_tenant on ${names.job} (tenant_id, key)`,
    `create index if not exists ${names.prefix}job_running on ${names.job} (leased_until, key) where state = 'running'`,
  ]
  for (const statement of statements) await runStatement(db, statement)
}
