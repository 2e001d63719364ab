import { LOG_ID } from '../migrations/log-state.ts'
import type { ForeignTransaction } from '../raise/foreign-transaction.ts'
import { type Dialect, type Parameter, runStatement, type SqlExecutor } from '../sql/database.ts'
import { createRowsStatement } from '../sql/sqlite-rows.ts'
import type { EventRow } from './event-row.ts'
import type { TableNames } from './table-names.ts'

const COLUMNS = 'id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace'

/** One parameter for each of {@link COLUMNS}. PostgreSQL's have types, since drivers do not agree on them. */
const VALUES: Readonly<Record<Dialect, string>> = {
  sqlite: '?, ?, ?, ?, ?, ?, ?, ?, ?',
  postgres: `$1::text, $2::bigint, $3::bigint, $4::text, $5::text, $6::text,
  to_timestamp($7::double precision / 1000), $8::text::json, $9::text`,
}

function valuesOf(row: EventRow): Parameter[] {
  const { id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace } = row
  return [id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace]
}

type AppendAll = (executor: SqlExecutor, rows: readonly EventRow[]) => Promise<void>

/** One parameter for each value: for long texts, several times as fast on SQLite as one JSON parameter. */
function appendAllOnSqlite(names: TableNames): AppendAll {
  const insert = createRowsStatement(
    9,
    {},
    (rows) => `insert into ${names.syncEvent} (${COLUMNS}) select * from ${rows} where column1 is not null`,
  )
  return async (executor, rows) => {
    await insert(executor, [], rows.map(valuesOf))
  }
}

/** One JSON parameter, so that the text is the same for any number of rows, and is planned once. */
function appendAllOnPostgres(names: TableNames): AppendAll {
  const insert = `insert into ${names.syncEvent} (${COLUMNS})
    select id, tenant_id, site_id, entity_name, entity_id, action,
      to_timestamp(modified_on::double precision / 1000), data::json, trace
    from rows from (json_to_recordset($1::text::json) as (id text, tenant_id bigint, site_id bigint, entity_name text,
      entity_id text, action text, modified_on bigint, data text, trace text)) with ordinality as row
    order by ordinality`
  return (executor, rows) => runStatement(executor, insert, [JSON.stringify(rows)])
}

/** The ways into the log. Each is one insert, which touches no other table and no shared row, and sends no NOTIFY. */
export function appendStatements(dialect: Dialect, names: TableNames) {
  const insert = `insert into ${names.syncEvent} (${COLUMNS}) values (${VALUES[dialect]})`
  return {
    append: (executor: SqlExecutor, row: EventRow): Promise<void> =>
      runStatement(executor, insert, valuesOf(row)),
    appendAll: dialect === 'sqlite' ? appendAllOnSqlite(names) : appendAllOnPostgres(names),
  }
}

/**
 * The way into the log for PostgreSQL transactions of other libraries. Such a connection may lead to another database,
 * which Kysely cannot detect. So the statement inserts only where it finds the log that is meant.
 */
export function appendForeignStatement(names: TableNames) {
  const insert = `insert into ${names.syncEvent} (${COLUMNS}) select ${VALUES.postgres}
    from ${names.logState} where ${LOG_ID} = coalesce($10::text, ${LOG_ID})`

  /**
   * @param logId - undefined where it is not known yet: then any log will do.
   * @returns false when the transaction is one of another log; nothing was written then.
   */
  return async (trx: ForeignTransaction, row: EventRow, logId: string | undefined): Promise<boolean> =>
    Number(await trx.execute(insert, [...valuesOf(row), logId ?? null])) === 1
}
