import { missingTableMessage } from './database-errors.ts'

/** Creates the error for a table that is missing, of what the database says of it. */
type MissingTableError = (table: string, cause: unknown) => Error

const owners = new Map<string, MissingTableError>()

/**
 * Notes the tables of one package, as their names stand in SQL, so that a statement that finds one missing says what to do.
 * Tables of the host, which a trigger or a capture may miss, are none of them.
 */
export function noteOwnTables(tables: readonly string[], createError: MissingTableError): void {
  for (const table of tables) owners.set(table, createError)
}

/** The error to throw for one of a statement of these packages: another one where a table of theirs is missing. */
export function ownError(error: unknown): unknown {
  const names = missingTableMessage(error)?.match(/\w[\w.]*\w/g) ?? []
  for (const name of names) {
    // SQLite may name the schema that every file has.
    const table = name.replace(/^main\./, '')
    const createError = owners.get(table)
    if (createError) return createError(table, error)
  }
  return error
}
