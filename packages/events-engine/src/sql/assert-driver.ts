import { EventEngineError, shown } from '../errors.ts'
import { flag, integer, nullable, real, text } from './columns.ts'
import { readRows, type SqlExecutor } from './database.ts'
import type { SqlDialect } from './dialect.ts'

const columns = {
  given_text: text,
  given_json: text,
  given_number: integer,
  large_number: integer,
  some_fraction: real,
  is_true: flag,
  is_false: flag,
  is_null: nullable(text),
}

const GIVEN = JSON.stringify({ text: 'Ä "\\"' })
const LARGE = Number.MAX_SAFE_INTEGER

/** What a driver must return for each kind of value that the engine stores and reads. */
const EXPECTED = {
  given_text: GIVEN,
  given_json: GIVEN,
  given_number: 7,
  large_number: LARGE,
  some_fraction: 1.5,
  is_true: true,
  is_false: false,
  is_null: null,
}

const statementIn = (sql: SqlDialect) =>
  sql.statement(`select ${sql.cast('$1', 'text')} as given_text, ${sql.jsonText(sql.json(sql.cast('$2', 'text')))} as given_json,
    ${sql.cast('$3', 'integer')} as given_number, ${sql.cast(String(LARGE), 'integer')} as large_number,
    cast(1.5 as double precision) as some_fraction, true as is_true, false as is_false,
    ${sql.cast('null', 'text')} as is_null`)

/**
 * Asserts that the driver of a database returns the stored values, under the columns' names, before data is lost.
 *
 * @throws EventEngineError `unsupported_driver`
 */
export async function assertDriver(db: SqlExecutor, sql: SqlDialect, caller: string): Promise<void> {
  const wrong = await findFault(db, sql)
  if (wrong === undefined) return
  throw new EventEngineError(
    'unsupported_driver',
    `${caller}: options.db cannot carry the event log. ${wrong} Leave out what changes names or values in the options of the driver (transforms, parsers of types, binary results), or give the engine a Kysely instance of its own.`,
  )
}

async function findFault(db: SqlExecutor, sql: SqlDialect): Promise<string | undefined> {
  try {
    const [row] = await readRows(db, columns, statementIn(sql), [GIVEN, GIVEN, 7])
    if (!row) return 'Its driver gives no row where there is one.'
    for (const [name, value] of Object.entries(row)) {
      const expected = EXPECTED[name as keyof typeof EXPECTED]
      if (value !== expected) return `Its driver gives ${shown(value)} where ${shown(expected)} is stored.`
    }
    return undefined
  } catch (error) {
    if (EventEngineError.is(error) && error.code === 'unreadable_value') return error.message
    throw error
  }
}
