import { LOG_ID } from '../migrations/log-state.ts'
import type { ForeignTransaction } from '../raise/foreign-transaction.ts'
import { type Parameter, runStatement, type SqlExecutor } from '../sql/database.ts'
import { namesOf, type SqlDialect, type SqlType } from '../sql/dialect.ts'
import { createRowsStatement } from '../sql/rows-statement.ts'
import type { LogContext } from './context.ts'
import type { EventRow } from './event-row.ts'

const TYPES = {
  id: 'text',
  tenant_id: 'integer',
  site_id: 'integer',
  entity_name: 'text',
  entity_id: 'text',
  action: 'text',
  modified_on: 'integer',
  data: 'text',
  trace: 'text',
} as const satisfies Readonly<Record<keyof EventRow, SqlType>>

const NAMES = namesOf(TYPES)
const COLUMNS = NAMES.join(', ')

/** SQL: the values of {@link COLUMNS}, of what has them in the form of an {@link EventRow}. */
const valuesIn = ({ time, json }: SqlDialect, given: (name: keyof EventRow) => string) =>
  NAMES.map((name) => {
    if (name === 'modified_on') return time(given(name))
    return name === 'data' ? json(given(name)) : given(name)
  }).join(', ')

/** The same, of one parameter for each. They have types, since drivers do not agree on them. */
const valuesOfParameters = (sql: SqlDialect) =>
  valuesIn(sql, (name) => sql.typed(`$${NAMES.indexOf(name) + 1}`, TYPES[name]))

function valuesOf(row: EventRow): Parameter[] {
  const { id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace } = row
  return [id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace]
}

/** The ways into the log. Each is one insert, which touches no other table and no shared row, and sends no NOTIFY. */
export function appendStatements({ sql, names }: LogContext) {
  const insert = sql.statement(
    `insert into ${names.syncEvent} (${COLUMNS}) values (${valuesOfParameters(sql)})`,
  )
  const insertAll = createRowsStatement(sql, {
    given: TYPES,
    columns: {},
    write: (rows) =>
      `insert into ${names.syncEvent} (${COLUMNS}) select ${valuesIn(sql, (name) => name)} from ${rows}`,
  })
  return {
    /** Appends one event in the caller's transaction. */
    append: (executor: SqlExecutor, row: EventRow): Promise<void> =>
      runStatement(executor, insert, valuesOf(row)),
    /** Appends several in their order, as many in one statement as the database takes. */
    async appendAll(executor: SqlExecutor, rows: readonly EventRow[]): Promise<void> {
      await insertAll(executor, [], rows)
    },
  }
}

/**
 * The way into the log for transactions of other libraries, which take numbered parameters. Such a connection may lead to another database,
 * which Kysely cannot detect. So the statement inserts only where it finds the log that is meant.
 */
export function appendForeignStatement({ sql, names }: Omit<LogContext, 'db'>) {
  const insert = `insert into ${names.syncEvent} (${COLUMNS}) select ${valuesOfParameters(sql)}
    from ${names.logState} where ${LOG_ID} = coalesce($10::text, ${LOG_ID})`

  /**
   * @param logId - undefined where it is not known yet: then any log will do.
   * @returns false when the transaction is one of another log; nothing was written then.
   */
  return async (trx: ForeignTransaction, row: EventRow, logId: string | undefined): Promise<boolean> =>
    Number(await trx.execute(insert, [...valuesOf(row), logId ?? null])) === 1
}
