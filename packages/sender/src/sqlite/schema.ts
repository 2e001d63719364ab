import { runStatement, type SqlExecutor } from '@x/events-engine/internal'
import type { TableNames } from '../table-names.ts'

/**
 * Creates the tables. Each statement may be repeated: SQLite's migrations run outside a transaction,
 * so that one that was killed half-way starts over.
 *
 * A delivery's key is its message and its endpoint: an event can reach an endpoint only once, and
 * what is written at one time lies together, however many endpoints there are.
 */
export async function createWebhookTables(db: SqlExecutor, names: TableNames): Promise<void> {
  const statements = [
    `create table if not exists ${names.endpoint} (
      key integer primary key autoincrement,
      id text not null unique,
      tenant_id integer not null,
      site_id integer,
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
      enabled integer not null default 1,
      disabled_reason text,
      disabled_on integer,
      version integer not null default 1,
      created_on integer not null,
      updated_on integer not null,
      deleted_on integer
    )`,
    `create index if not exists ${names.prefix}endpoint_tenant on ${names.endpoint} (tenant_id, key)`,
    `create table if not exists ${names.secret} (
      key integer primary key autoincrement,
      endpoint_key integer not null,
      sealed text not null,
      key_id text not null,
      created_on integer not null,
      expires_on integer
    )`,
    `create index if not exists ${names.prefix}secret_endpoint on ${names.secret} (endpoint_key)`,
    // What requests to an endpoint show of themselves, beside what is shown of it.
    `create table if not exists ${names.certificate} (
      endpoint_key integer primary key,
      sealed text not null,
      key_id text not null,
      subject text not null,
      fingerprint text not null,
      expires_on integer not null
    )`,
    // One row, which every change of an endpoint raises.
    `create table if not exists ${names.revision} (id integer primary key check (id = 1), value integer not null)`,
    `insert or ignore into ${names.revision} (id, value) values (1, 0)`,
    // One row: when what is stored is looked through next, by whoever comes first; and how late it has been.
    `create table if not exists ${names.reconciliation} (
      id integer primary key check (id = 1), next_on integer not null default 0, clock_on integer not null default 0)`,
    `insert or ignore into ${names.reconciliation} (id) values (1)`,
    `create table if not exists ${names.message} (
      key integer primary key autoincrement,
      event_id text not null,
      event_type text not null,
      tenant_id integer not null,
      site_id integer not null,
      created_on integer not null,
      body text not null,
      traceparent text,
      variant text,
      headers text
    )`,
    // Which of an event's messages there are. Ids ascend with time: each entry is written beside the last.
    `create index if not exists ${names.prefix}message_event on ${names.message} (event_id)`,
    `create table if not exists ${names.delivery} (
      message_key integer not null,
      endpoint_key integer not null,
      state text not null default 'pending',
      due_on integer,
      lane text,
      manual integer,
      attempt_count integer not null default 0,
      step integer not null default 0,
      created_on integer not null,
      finished_on integer,
      last_status integer,
      last_error_code text,
      event_seq integer,
      duration_ms integer,
      url text,
      signature text,
      response_body text,
      primary key (message_key, endpoint_key)
    ) without rowid`,
    // What was sent straight from the log has no message; its first attempt lies in the row, unless the url is null.
    `create index if not exists ${names.prefix}delivery_event on ${names.delivery} (event_seq)
      where event_seq is not null`,
    `create index if not exists ${names.prefix}delivery_endpoint on ${names.delivery} (endpoint_key)`,
    `create index if not exists ${names.prefix}delivery_due on ${names.delivery}
      (endpoint_key, (attempt_count > 0), due_on) where state = 'pending'`,
    // What is due in a lane, and what waits there without a due time.
    `create index if not exists ${names.prefix}delivery_lane
      on ${names.delivery} (endpoint_key, lane, due_on, message_key) where state = 'pending' and lane is not null`,
    // What people have asked for: few, and found at once whatever waits.
    `create index if not exists ${names.prefix}delivery_manual on ${names.delivery} (endpoint_key, due_on)
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
      message_key integer not null,
      endpoint_key integer not null,
      number integer not null,
      started_on integer not null,
      duration_ms integer not null,
      url text not null,
      signature text not null,
      status integer,
      error_code text,
      error_message text,
      response_body text,
      primary key (message_key, endpoint_key, number)
    ) without rowid`,
    // An endpoint's row exists once it has had a delivery; due_on is that of its first pending one, and not
    // before not_before, unless a person has asked for one. handed_back is the epoch of the lease that was handed back last.
    `create table if not exists ${names.queue} (
      endpoint_key integer primary key,
      due_on integer,
      leased_by text,
      leased_until integer not null default 0,
      epoch integer not null default 0,
      handed_back integer not null default 0,
      failing_since integer,
      not_before integer not null default 0,
      details text,
      rate text,
      resets integer not null default 0
    )`,
    `create index if not exists ${names.prefix}queue_due on ${names.queue} (due_on) where due_on is not null`,
    `create index if not exists ${names.prefix}queue_leased on ${names.queue} (leased_by) where leased_by is not null`,
    // Counts of attempts, by the minute, and after a day by the hour; endpoint 0 is all of the tenant's.
    `create table if not exists ${names.statistic} (
      tenant_id integer not null,
      endpoint_key integer not null,
      seconds integer not null,
      from_on integer not null,
      succeeded integer not null,
      failed integer not null,
      exhausted integer not null,
      latency text not null,
      primary key (tenant_id, endpoint_key, seconds, from_on)
    ) without rowid`,
    // What each batch of results adds to them, until it is added.
    `create table if not exists ${names.tally} (key integer primary key autoincrement, body text not null)`,
    `create table if not exists ${names.job} (
      key integer primary key autoincrement,
      id text not null unique,
      tenant_id integer not null,
      endpoint_key integer not null,
      kind text not null,
      state text not null default 'running',
      options text not null,
      position text not null,
      done integer not null default 0,
      total integer not null,
      affected integer not null default 0,
      error_message text,
      created_on integer not null,
      finished_on integer,
      version integer not null default 0,
      leased_by text,
      leased_until integer not null default 0
    )`,
    `create index if not exists ${names.prefix}job_tenant on ${names.job} (tenant_id, key)`,
    `create index if not exists ${names.prefix}job_running on ${names.job} (leased_until, key) where state = 'running'`,
  ]
  for (const statement of statements) await runStatement(db, statement)
}
