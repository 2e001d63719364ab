import type { Columns, RowOf } from './columns.ts'
import { type Parameter, readRows, type SqlExecutor } from './database.ts'

/** Runs a statement of SQLite over rows. */
export type RowsStatement<TRow> = (
  executor: SqlExecutor,
  leading: readonly Parameter[],
  rows: readonly (readonly Parameter[])[],
) => Promise<TRow[]>

/** As many rows as one statement takes; more are several statements. */
export const MOST_ROWS = 256

/**
 * Creates a statement over a list of rows, one parameter for each value: for rows with long texts, that is several times
 * as fast as one parameter that holds them all as JSON. There is one text for each power of two, filled up with nulls,
 * so that few texts are prepared and kept.
 *
 * @param width - values of a row; the first of them is never null.
 * @param columns - of the rows that the statement gives.
 * @param write - makes the statement of an SQL table of the rows, whose columns are `column1`, `column2`, ...; it must pass
 *   over rows whose `column1` is null. The leading parameters come before that table.
 */
export function createRowsStatement<TColumns extends Columns>(
  width: number,
  columns: TColumns,
  write: (rows: string) => string,
): RowsStatement<RowOf<TColumns>> {
  const texts = new Map<number, string>()
  const row = `(${Array.from({ length: width }, () => '?').join(', ')})`

  function textOf(size: number): string {
    let text = texts.get(size)
    if (text === undefined) {
      text = write(`(values ${Array.from({ length: size }, () => row).join(', ')})`)
      texts.set(size, text)
    }
    return text
  }

  return async (executor, leading, rows) => {
    const results: RowOf<TColumns>[] = []
    for (let from = 0; from < rows.length; from += MOST_ROWS) {
      const some = rows.slice(from, from + MOST_ROWS)
      const size = 2 ** Math.ceil(Math.log2(some.length))
      const parameters: Parameter[] = [...leading]
      for (const values of some) for (const value of values) parameters.push(value)
      for (let missing = (size - some.length) * width; missing > 0; missing--) parameters.push(null)
      for (const result of await readRows(executor, columns, textOf(size), parameters)) results.push(result)
    }
    return results
  }
}
