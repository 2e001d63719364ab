import type { Columns, RowOf } from './columns.ts'
import { type Parameter, readRows, type SqlExecutor, type Statement } from './database.ts'
import { namesOf, type SqlDialect, type SqlType } from './dialect.ts'

/** Runs a statement over rows, in their order. */
export type RowsStatement<TName extends string, TRow> = (
  executor: SqlExecutor,
  leading: readonly Parameter[],
  rows: readonly Readonly<Record<TName, Parameter | undefined>>[],
) => Promise<TRow[]>

/** What {@link createRowsStatement} makes a statement of. */
export interface RowsStatementParts<TName extends string, TColumns extends Columns> {
  /** Of the rows that are given; the first of them is never null. */
  readonly given: Readonly<Record<TName, SqlType>>
  /** How many parameters come before the rows: `$1`, ... */
  readonly leading?: number
  /** Of the rows that are read. */
  readonly columns: TColumns
  /** Makes the statement of an SQL table of the rows. */
  write(rows: string): string
}

/** As many rows as one statement takes, where each value is a parameter; more are several statements. */
export const MOST_ROWS = 256

/**
 * Creates a statement over a list of rows with long texts. Where a database reads JSON slowly, each value is a parameter.
 * There is one text for each power of two, filled up with nulls, so that few texts are prepared and kept.
 */
export function createRowsStatement<TName extends string, TColumns extends Columns>(
  sql: SqlDialect,
  parts: RowsStatementParts<TName, TColumns>,
): RowsStatement<TName, RowOf<TColumns>> {
  return sql.valuesTable ? ofValues(sql, sql.valuesTable, parts) : ofRecords(sql, parts)
}

function ofRecords<TName extends string, TColumns extends Columns>(
  sql: SqlDialect,
  { given, leading: before = 0, columns, write }: RowsStatementParts<TName, TColumns>,
): RowsStatement<TName, RowOf<TColumns>> {
  const records = sql.records(given)
  const statement = sql.statement(write(records.orderedTable(`$${before + 1}`, 'r')))
  return (executor, leading, rows) =>
    readRows(executor, columns, statement, [...leading, records.encode(rows)])
}

function ofValues<TName extends string, TColumns extends Columns>(
  sql: SqlDialect,
  tableOf: NonNullable<SqlDialect['valuesTable']>,
  { given, leading: before = 0, columns, write }: RowsStatementParts<TName, TColumns>,
): RowsStatement<TName, RowOf<TColumns>> {
  const names = namesOf(given)
  const statements = new Map<number, Statement>()

  function statementOf(size: number): Statement {
    let statement = statements.get(size)
    if (!statement) {
      statement = sql.statement(write(tableOf(names, size, before + 1, 'r')))
      statements.set(size, statement)
    }
    return statement
  }

  return async (executor, leading, rows) => {
    const results: RowOf<TColumns>[] = []
    for (let from = 0; from < rows.length; from += MOST_ROWS) {
      const some = rows.slice(from, from + MOST_ROWS)
      const size = 2 ** Math.ceil(Math.log2(some.length))
      const parameters: Parameter[] = [...leading]
      for (const row of some) for (const name of names) parameters.push(row[name] ?? null)
      for (let missing = (size - some.length) * names.length; missing > 0; missing--) parameters.push(null)
      for (const result of await readRows(executor, columns, statementOf(size), parameters))
        results.push(result)
    }
    return results
  }
}
