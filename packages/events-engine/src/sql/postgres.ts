import { IDLE_MS } from './database.ts'
import {
  callWithMembers,
  namesOf,
  numbered,
  onConflict,
  type SqlDialect,
  type SqlType,
  updateFrom,
} from './dialect.ts'

const TYPES = {
  integer: 'bigint',
  text: 'text',
  flag: 'boolean',
  time: 'timestamptz(3)',
  json: 'json',
} as const

const IDLE_SETTING = `'idle_in_transaction_session_timeout'`
const limitsIdle = (limit: string) => `(select set_config(${IDLE_SETTING}, ${limit}, true)) is not null`

// As an array: with a query in its place, the planner may read the whole table where it has no statistics of it.
const listedArray = (parameter: string, type: 'integer' | 'text') =>
  `(array(select listed::${TYPES[type]} from json_array_elements_text(${parameter}::text::json) listed))`

const typed = (value: string, type: SqlType) => `${value}::${TYPES[type]}`

const milliseconds = (time: string) => `(extract(epoch from ${time}) * 1000)::bigint`

/** The SQL of PostgreSQL. */
export const postgres: SqlDialect = {
  name: 'postgres',
  title: 'PostgreSQL',
  isLocal: false,
  hasWritingQueries: true,
  hasLateral: true,
  beginsAsReader: false,
  hasIsolationLevels: true,
  hasNotify: true,
  // Its vacuum removes the data by itself.
  leavesDeletedData: false,
  statement: numbered,
  records(columns) {
    const types = namesOf(columns)
      .map((name) => `${name} ${TYPES[columns[name]]}`)
      .join(', ')
    return {
      table: (parameter, alias) => `json_to_recordset(${parameter}::text::json) as ${alias}(${types})`,
      orderedTable: (parameter, alias) => `(
      select * from rows from (json_to_recordset(${parameter}::text::json) as (${types})) with ordinality as given
      order by ordinality) as ${alias}`,
      encode: (records) => JSON.stringify(records),
    }
  },
  isListed: (value, parameter, type = 'integer') => `${value} = any${listedArray(parameter, type)}`,
  isNotListed: (value, parameter, type = 'integer') => `${value} <> all${listedArray(parameter, type)}`,
  list: (parameter, alias, type = 'integer') =>
    `(select listed::${TYPES[type]} as value from json_array_elements_text(${parameter}::text::json) listed) as ${alias}`,
  isChosen: (value, query) => `${value} = any(array(${query}))`,
  indexedBy: () => '',
  lock: (clause) => ` ${clause}`,
  limitsIdle: limitsIdle(`'${IDLE_MS}'`),
  limitsIdleTo: (parameter) =>
    limitsIdle(
      `case current_setting(${IDLE_SETTING}) when '0' then ${parameter}::text else current_setting(${IDLE_SETTING}) end`,
    ),
  now: () => milliseconds('now()'),
  clock: '(extract(epoch from clock_timestamp()) * 1000)::float8',
  byteLength: (text) => `octet_length(${text})`,
  // What is compressed may be much longer than what is stored.
  isShort: (json, bytes) => `case when pg_column_size(${json}) > ${bytes} then false
      when pg_column_compression(${json}) is null then true else octet_length(${json}::text) <= ${bytes} end`,
  least: (left, right) => `least(${left}, ${right})`,
  greatest: (left, right) => `greatest(${left}, ${right})`,
  differs: (left, right) => `${left} is distinct from ${right}`,
  cast: (value, type) => `cast(${value} as ${TYPES[type]})`,
  typed,
  time: (value) => `to_timestamp(${value}::double precision / 1000)`,
  milliseconds,
  json: (text) => `${text}::json`,
  jsonText: (json) => `${json}::text`,
  jsonNumber: (text, member) => `(${text}::json ->> '${member}')::bigint`,
  jsonObject: (members) => `cast(${callWithMembers('json_build_object', members)} as text)`,
  upsert: onConflict,
  proposed: (column) => `excluded.${column}`,
  update: updateFrom,
  types: TYPES,
  wholeKey: 'bigint primary key',
  drawnKey: 'bigint generated always as identity primary key',
  keepsGivenKeys: ' overriding system value',
  // A role that may insert need not have the right to read the sequence. The newest row gives nearly the same.
  lastKey: (table, column) => `greatest((select max(${column}) from ${table}), (
      select case when has_sequence_privilege(s.name::regclass, 'select, usage')
        then pg_sequence_last_value(s.name::regclass) end
      from pg_get_serial_sequence('${table}', '${column}') s(name)
    ), 0)`,
  keys: { next: (table, column) => `nextval(pg_get_serial_sequence('${table}', '${column}')::regclass)` },
  valuesTable: undefined,
  findTable: (name) =>
    `select name from (select to_regclass('${name}')::text as name) t where name is not null`,
  // Not to_regclass, which searches the whole path: a later schema of it may be another application's.
  findTableIn: (schema, name) => `select tablename as name from pg_catalog.pg_tables
          where tablename = '${name}' and schemaname = ${schema === undefined ? 'current_schema()' : `'${schema}'`}`,
  findReadOnly: `select 1 as found where current_setting('transaction_read_only') = 'on'`,
  lockName: 'select pg_advisory_xact_lock(hashtext($1))',
  indexesEndWithKey: false,
  // Few rows are looked up by their keys, so that a plan made before there were statistics stays right. The names of the columns are
  // those of tables, too: in statements, the tables' are meant.
  defineFunction: ({ name, parameters, returns, body }) =>
    `create or replace function ${name}(${parameters.map((type) => TYPES[type]).join(', ')})
    returns table (${returns}) language plpgsql
    set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
    as $function$
    #variable_conflict use_column
    begin ${body} end $function$`,
  tableOptions: ({ fillPercent }) =>
    fillPercent === undefined
      ? ''
      : ` with (fillfactor = ${fillPercent}, autovacuum_vacuum_scale_factor = 0.05)`,
}
