import {
  type Dialect,
  type MigrationSet,
  runStatement,
  type SqlDialect,
  type SqlExecutor,
  sqlDialectOf,
} from '@x/events-engine/internal'
import type { Kysely } from 'kysely'
import { ENDPOINT_FIELDS, type EndpointFieldName } from '../endpoints/fields.ts'
import type { TableNames } from '../table-names.ts'
import { orderedSuccessFunction } from './ordered-successes.ts'

/** The sender's own migrations, oldest first; a released one never changes. */
export function webhookMigrations(dialect: Dialect, names: TableNames): MigrationSet {
  const sql = sqlDialectOf(dialect)
  return {
    migrations: {
      '0001_webhooks': { up: (db: Kysely<unknown>) => createWebhookTables(db, sql, names) },
    },
    prefix: names.prefix,
    schema: names.schema,
  }
}

/** A column of the endpoint table. */
function endpointColumn({ types, drawnKey }: SqlDialect, name: EndpointFieldName): string {
  if (name === 'key') return `key ${drawnKey}`
  const { column, type, ...field } = ENDPOINT_FIELDS[name]
  const isNullable = 'isNullable' in field
  const unique = name === 'id' ? ' unique' : ''
  const byDefault = 'byDefault' in field ? ` default ${field.byDefault}` : ''
  return `${column} ${types[type === 'json' ? 'text' : type]}${isNullable ? '' : ' not null'}${unique}${byDefault}`
}

/**
 * Creates the tables. Each statement may be repeated: SQLite's migrations run outside a transaction, so that one that was
 * killed half-way starts over. Times are milliseconds.
 *
 * A delivery's key is its message and its endpoint: an event can reach an endpoint only once, and
 * what is written at one time lies together, however many endpoints there are.
 */
async function createWebhookTables(db: SqlExecutor, sql: SqlDialect, names: TableNames): Promise<void> {
  const { prefix } = names
  const whole = sql.types.integer
  const { flag } = sql.types
  const clustered = sql.tableOptions({ isClustered: true })
  const endpointColumns = (Object.keys(ENDPOINT_FIELDS) as EndpointFieldName[]).map((name) =>
    endpointColumn(sql, name),
  )
  // Named twice in an index, the key would be taken for the better way to a row.
  const messageKey = sql.indexesEndWithKey ? '' : ', message_key'
  const statements = [
    ...(names.schema === undefined ? [] : [`create schema if not exists ${names.schema}`]),
    `create table if not exists ${names.endpoint} (${endpointColumns.join(', ')}, deleted_on ${whole})`,
    `create index if not exists ${prefix}endpoint_tenant on ${names.endpoint} (tenant_id, key)`,
    `create table if not exists ${names.secret} (
      key ${sql.drawnKey},
      endpoint_key ${whole} not null,
      sealed text not null,
      key_id text not null,
      created_on ${whole} not null,
      expires_on ${whole}
    )`,
    `create index if not exists ${prefix}secret_endpoint on ${names.secret} (endpoint_key)`,
    // What requests to an endpoint show of themselves, beside what is shown of it.
    `create table if not exists ${names.certificate} (
      endpoint_key ${sql.wholeKey},
      sealed text not null,
      key_id text not null,
      subject text not null,
      fingerprint text not null,
      expires_on ${whole} not null
    )`,
    // The last number that messages of an endpoint have, and the hash of the chain up to it.
    `create table if not exists ${names.sequence} (
      endpoint_key ${sql.wholeKey},
      last ${whole} not null default 0,
      chain text not null default ''
    )${sql.tableOptions({ fillPercent: 50 })}`,
    // Keys with which consumers read messages; only their hashes, since their texts are never shown again.
    `create table if not exists ${names.apiKey} (
      key ${sql.drawnKey},
      id text not null unique,
      endpoint_key ${whole} not null,
      hash text not null unique,
      prefix text not null,
      created_on ${whole} not null,
      last_used_on ${whole},
      expires_on ${whole}
    )`,
    `create index if not exists ${prefix}api_key_endpoint on ${names.apiKey} (endpoint_key)`,
    // Tokens that are valid once, and have been used. Each is kept until it has expired.
    `create table if not exists ${names.usedToken} (id text primary key, expires_on ${whole} not null)`,
    `create index if not exists ${prefix}used_token_expires on ${names.usedToken} (expires_on)`,
    // How often the host's tokens of a scope were revoked.
    `create table if not exists ${names.tokenEpoch} (scope text primary key, epoch ${whole} not null)`,
    // One row, which every change of an endpoint raises.
    `create table if not exists ${names.revision} (id integer primary key check (id = 1), value ${whole} not null)`,
    `insert into ${names.revision} (id, value) values (1, 0)${sql.upsert({ key: 'id' })}`,
    // One row: when reconciliation runs next, on any node; and the latest time by the machine's clock.
    `create table if not exists ${names.reconciliation} (id integer primary key check (id = 1),
      next_on ${whole} not null default 0, clock_on ${whole} not null default 0)`,
    `insert into ${names.reconciliation} (id) values (1)${sql.upsert({ key: 'id' })}`,
    `create table if not exists ${names.message} (
      key ${sql.drawnKey},
      event_id text not null,
      event_type text not null,
      tenant_id ${whole} not null,
      site_id ${whole} not null,
      created_on ${whole} not null,
      body text not null,
      traceparent text,
      variant text,
      headers text
    )`,
    // Which of an event's messages there are. Ids ascend with time: each entry is written beside the last.
    `create index if not exists ${prefix}message_event on ${names.message} (event_id)`,
    // What is stored first is changed at least once, soon after. What was sent straight from the log has no message;
    // its first attempt lies in the row, unless the url is null.
    `create table if not exists ${names.delivery} (
      message_key ${whole} not null,
      endpoint_key ${whole} not null,
      state text not null default 'pending',
      due_on ${whole},
      ordering_key text,
      attempt_count integer not null default 0,
      step integer not null default 0,
      created_on ${whole} not null,
      finished_on ${whole},
      last_status integer,
      last_error_code text,
      manual ${flag},
      event_seq ${whole},
      duration_ms ${whole},
      url text,
      signature text,
      response_body text,
      sequence ${whole},
      chain text,
      primary key (message_key, endpoint_key)
    )${sql.tableOptions({ isClustered: true, fillPercent: 85 })}`,
    // One for each endpoint, also where a statement that seemed lost arrives after its repetition.
    `create unique index if not exists ${prefix}delivery_event on ${names.delivery} (event_seq, endpoint_key)
      where event_seq is not null`,
    // Numbers of an endpoint's messages: none is given twice.
    `create unique index if not exists ${prefix}delivery_sequence on ${names.delivery} (endpoint_key, sequence)
      where sequence is not null`,
    `create index if not exists ${prefix}delivery_endpoint on ${names.delivery} (endpoint_key${messageKey})`,
    `create index if not exists ${prefix}delivery_due on ${names.delivery}
      (endpoint_key, (attempt_count > 0), due_on${messageKey}) where state = 'pending'`,
    // What is due in an ordering key, and what is pending there without a due time.
    `create index if not exists ${prefix}delivery_ordering
      on ${names.delivery} (endpoint_key, ordering_key, due_on, message_key) where state = 'pending' and ordering_key is not null`,
    // What people have asked for: few, and found at once however much is pending.
    `create index if not exists ${prefix}delivery_manual on ${names.delivery} (endpoint_key, due_on${messageKey})
      where state = 'pending' and manual is not null`,
    // Empty: in no ordering key, what is pending has a due time.
    `create index if not exists ${prefix}delivery_never_due on ${names.delivery} (endpoint_key)
      where state = 'pending' and ordering_key is null and due_on is null`,
    // For lists of what did not succeed: few, among many that did.
    `create index if not exists ${prefix}delivery_exhausted on ${names.delivery} (endpoint_key, message_key)
      where state = 'exhausted'`,
    `create index if not exists ${prefix}delivery_cancelled on ${names.delivery} (endpoint_key, message_key)
      where state = 'cancelled'`,
    // For searches of what had failed attempts: all of those, and what was sent again.
    `create index if not exists ${prefix}delivery_failed on ${names.delivery} (endpoint_key, message_key)
      where (attempt_count > 1 or last_error_code is not null)`,
    `create table if not exists ${names.attempt} (
      message_key ${whole} not null,
      endpoint_key ${whole} not null,
      number integer not null,
      started_on ${whole} not null,
      duration_ms ${whole} not null,
      url text not null,
      signature text not null,
      status integer,
      error_code text,
      error_message text,
      response_body text,
      details text,
      primary key (message_key, endpoint_key, number)
    )${clustered}`,
    // An endpoint's row exists once it has had a delivery; for its due times, see queue.ts. handed_back is the epoch of the
    // lease that was handed back last.
    `create table if not exists ${names.queue} (
      endpoint_key ${sql.wholeKey},
      due_on ${whole},
      ${sql.isLocal ? '' : `first_on ${whole},`}
      leased_by text,
      leased_until ${whole} not null default 0,
      epoch ${whole} not null default 0,
      handed_back ${whole} not null default 0,
      failing_since ${whole},
      not_before ${whole} not null default 0,
      details text,
      rate text,
      resets ${whole} not null default 0
    )${sql.tableOptions({ fillPercent: 50 })}`,
    `create index if not exists ${prefix}queue_due on ${names.queue} (due_on) where due_on is not null`,
    `create index if not exists ${prefix}queue_leased on ${names.queue} (leased_by) where leased_by is not null`,
    // Counts of attempts, by the minute, and after a day by the hour; endpoint 0 is all of the tenant's.
    `create table if not exists ${names.statistic} (
      tenant_id ${whole} not null,
      endpoint_key ${whole} not null,
      seconds integer not null,
      from_on ${whole} not null,
      succeeded ${whole} not null,
      failed ${whole} not null,
      exhausted ${whole} not null,
      latency text not null,
      primary key (tenant_id, endpoint_key, seconds, from_on)
    )${clustered}`,
    // What each batch of results adds to them, until it is added.
    `create table if not exists ${names.counter} (key ${sql.drawnKey}, body text not null)`,
    `create table if not exists ${names.job} (
      key ${sql.drawnKey},
      id text not null unique,
      tenant_id ${whole} not null,
      endpoint_key ${whole} not null,
      kind text not null,
      state text not null default 'running',
      options text not null,
      position text not null,
      done ${whole} not null default 0,
      total ${whole} not null,
      affected ${whole} not null default 0,
      error_message text,
      created_on ${whole} not null,
      finished_on ${whole},
      version ${whole} not null default 0,
      leased_by text,
      leased_until ${whole} not null default 0
    )`,
    `create index if not exists ${prefix}job_tenant on ${names.job} (tenant_id, key)`,
    // Who has changed what. endpoint_key: 0 for what is about no single one; message_key: of what is about a delivery.
    `create table if not exists ${names.auditLog} (
      key ${sql.drawnKey},
      tenant_id ${whole} not null,
      endpoint_key ${whole} not null,
      message_key ${whole},
      action text not null,
      actor text,
      details text not null,
      created_on ${whole} not null
    )`,
    `create index if not exists ${prefix}audit_log_tenant on ${names.auditLog} (tenant_id, key)`,
    `create index if not exists ${prefix}audit_log_endpoint on ${names.auditLog} (endpoint_key, key)`,
    `create index if not exists ${prefix}audit_log_delivery on ${names.auditLog} (endpoint_key, message_key)
      where message_key is not null`,
    // What tenants want to be told of, and whom: sealed.
    `create table if not exists ${names.alertSettings} (
      tenant_id ${sql.wholeKey},
      kinds text not null,
      quiet_seconds ${whole} not null,
      locale text not null,
      time_zone text not null,
      sealed text not null,
      key_id text not null
    )`,
    // What has happened to an endpoint since its tenant was told of it last; taken_until: until then, a node sends it.
    `create table if not exists ${names.alert} (
      endpoint_key ${whole} not null,
      kind text not null,
      tenant_id ${whole} not null,
      count ${whole} not null,
      since ${whole} not null,
      due_on ${whole},
      taken_until ${whole} not null default 0,
      quiet_until ${whole} not null default 0,
      told_on ${whole} not null default 0,
      attempts integer not null default 0,
      sent text not null default '[]',
      version ${whole} not null default 0,
      primary key (endpoint_key, kind)
    )${clustered}`,
    `create index if not exists ${prefix}alert_due on ${names.alert} (due_on) where due_on is not null`,
    `create index if not exists ${prefix}job_running on ${names.job} (leased_until, key) where state = 'running'`,
  ]
  const ordered = orderedSuccessFunction({ sql, names })
  if (ordered !== undefined) statements.push(ordered)
  for (const statement of statements) await runStatement(db, statement)
}
