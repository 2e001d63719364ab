// Copies events, subscriptions, endpoints, deliveries and what else the packages keep from SQLite to PostgreSQL:
//
//   node move-to-postgresql.mjs host.db postgres://user:password@host:5432/database [prefix] [schema]
//
// Before: stop the host; call engine.migrate() and sender.migrate() on the new database, with the same versions of the
// packages. It all happens in one transaction: after an error, the new database is as it was. The file is only read.
import Database from 'better-sqlite3'
import pg from 'pg'

const [file, url, prefix = 'xe_', schema = 'public'] = process.argv.slice(2)
if (!file || !url) throw new Error('usage: node move-to-postgresql.mjs FILE URL [PREFIX] [SCHEMA]')

// What each database has of its own: its version and identity, and single rows that migrations create.
const KEPT = ['log_state', 'migration', 'webhook_migration', 'webhook_revision', 'webhook_reconciliation']
const ROWS_AT_ONCE = 500

const source = new Database(file, { readonly: true, fileMustExist: true }).defaultSafeIntegers(true)
const target = new pg.Client({ connectionString: url })
await target.connect()
try {
  await target.query('begin')
  await target.query(`set local search_path to "${schema}"`)
  await assertSameVersion()
  await assertMovable()
  // Those that migrations have begun; the file has them all.
  await target.query(`delete from ${prefix}subscription`)
  for (const table of await commonTables()) {
    const columns = await commonColumns(table)
    console.log(`${table}: ${await copyRows(table, columns)} rows`)
    await continueSequences(table, columns)
  }
  await movePositions()
  await target.query('commit')
} catch (error) {
  await target.query('rollback')
  throw error
} finally {
  await target.end()
  source.close()
}

async function rowsOf(query, values) {
  return (await target.query(query, values)).rows
}

/** The same migrations have run in both. */
async function assertSameVersion() {
  for (const table of [`${prefix}migration`, `${prefix}webhook_migration`]) {
    const names = `select name from ${table} order by name`
    const [there, here] = [source.prepare(names).pluck().all(), (await rowsOf(names)).map(({ name }) => name)]
    if (there.join() === here.join()) continue
    throw new Error(
      `${table} differs: ${there} in SQLite, ${here} in PostgreSQL. Run both with the same versions of the packages first.`,
    )
  }
}

async function assertMovable() {
  const [{ used }] = await rowsOf(`select exists (select from ${prefix}sync_event) as used`)
  if (used)
    throw new Error(`${prefix}sync_event has rows already: move to a database in which no host has run yet.`)
  const jobs = source
    .prepare(`select count(*) from ${prefix}webhook_job where state = 'running'`)
    .pluck()
    .get()
  if (jobs > 0n)
    throw new Error(`${jobs} jobs (replay, recover) are running: let them end, or cancel them, first.`)
}

async function commonTables() {
  const there = source.prepare(`select name from sqlite_schema where type = 'table'`).pluck().all()
  const names = await rowsOf(
    `select table_name as name from information_schema.tables where table_schema = $1 order by 1`,
    [schema],
  )
  return names
    .map(({ name }) => name)
    .filter(
      (name) => name.startsWith(prefix) && !KEPT.includes(name.slice(prefix.length)) && there.includes(name),
    )
}

async function commonColumns(table) {
  const there = source.pragma(`table_info(${table})`).map(({ name }) => name)
  const columns = await rowsOf(
    `select column_name as name, data_type as type, is_identity = 'YES' as "isIdentity"
      from information_schema.columns where table_schema = $1 and table_name = $2 order by ordinal_position`,
    [schema, table],
  )
  return columns.filter(({ name }) => there.includes(name))
}

async function copyRows(table, columns) {
  const names = columns.map(({ name }) => name)
  const values = columns.map(({ name, type }) =>
    // SQLite keeps times in milliseconds.
    type === 'timestamp with time zone'
      ? `timestamptz 'epoch' + r.${name}::bigint * interval '1 millisecond'`
      : `r.${name}::${type}`,
  )
  const insert = `insert into ${table} (${names}) overriding system value
    select ${values} from json_to_recordset($1::json) as r(${names.map((name) => `${name} text`)})`
  // As text, in which each type of PostgreSQL reads its values: numbers beyond 2^53 as well.
  const texts = (row) => names.map((name) => [name, row[name] === null ? null : String(row[name])])
  let count = 0
  let batch = []
  const write = async () => {
    if (batch.length > 0) await target.query(insert, [JSON.stringify(batch)])
    count += batch.length
    batch = []
  }
  for (const row of source.prepare(`select ${names} from ${table}`).iterate()) {
    batch.push(Object.fromEntries(texts(row)))
    if (batch.length === ROWS_AT_ONCE) await write()
  }
  await write()
  return count
}

/** Numbers that were drawn are not drawn again, those of deleted rows included. */
async function continueSequences(table, columns) {
  const drawn = source.prepare('select seq from sqlite_sequence where name = ?').pluck().get(table) ?? 0n
  for (const { name } of columns.filter(({ isIdentity }) => isIdentity)) {
    const last = `greatest((select max(${name}) from ${table}), ${drawn})`
    await target.query(
      `select setval(pg_get_serial_sequence('${schema}.${table}', '${name}'), ${last}) where ${last} > 0`,
    )
  }
}

/** Positions and leases are written as PostgreSQL has them. What every subscription has handled is old. */
async function movePositions() {
  const floor = `split_part(position, '.', 2)::bigint`
  await target.query(`update ${prefix}sync_event set xid = '1'
    where seq <= coalesce((select min(${floor}) from ${prefix}subscription), 0)`)
  // What was known before this transaction: its own rows, which a snapshot of it leaves out, are news.
  await target.query(`with s as (select pg_current_snapshot() as present, pg_current_xact_id() as own),
    known as (
      select least(pg_snapshot_xmin(present), own)::text || ':' || least(pg_snapshot_xmax(present), own)::text || ':'
        || coalesce((select string_agg(xid::text, ',' order by xid) from pg_snapshot_xip(present) xid where xid < own), '')
        as snapshot from s
    )
    update ${prefix}subscription set position = 'p/' || known.snapshot || '//' || ${floor},
      leased_by = null, leased_until = 0
    from known`)
  await target.query(`update ${prefix}webhook_queue set leased_by = null, leased_until = 0`)
}
