import { thrownText } from './errors.ts'

// What PostgreSQL ends for another transaction's sake: serialization failure, deadlock, a lock not free in time. P2034 is
// what Prisma makes of them.
const CONFLICT = /^(?:40001|40P01|55P03|P2034)$/
const SQLITE_LOCK = /^SQLITE_(?:BUSY|LOCKED)/
const UNDEFINED_TABLE = /^42P01$/
const NO_KEY = /ON CONFLICT/
const NO_SUCH_TABLE = /no such table|relation "[^"]*" does not exist/

const MAX_DEPTH = 6

/** SQLite's primary result codes, as node:sqlite gives them. */
const SQLITE_CODES: ReadonlyMap<number, string> = new Map([
  [5, 'SQLITE_BUSY'],
  [6, 'SQLITE_LOCKED'],
])

/** Whether the database has rolled a transaction back for another one's sake: the same again may succeed. */
export function isConflict(error: unknown): boolean {
  return some(error, ({ code }) => code !== undefined && (CONFLICT.test(code) || SQLITE_LOCK.test(code)))
}

/** Whether a table is missing. */
export function isMissingTable(error: unknown): boolean {
  return some(error, ({ code = '', message }) => UNDEFINED_TABLE.test(code) || NO_SUCH_TABLE.test(message))
}

/** Whether a table has no unique key of the columns that a statement names. */
export function isMissingKey(error: unknown): boolean {
  return some(error, ({ message }) => NO_KEY.test(message))
}

/** What the database said, of the innermost error: libraries wrap it in the text of the statement. */
export function databaseMessage(error: unknown): string {
  let innermost = thrownText(error)
  some(error, ({ message }) => {
    if (message !== '') innermost = message
    return false
  })
  return innermost
}

interface Said {
  readonly code: string | undefined
  readonly message: string
}

/**
 * Looks through an error and what it wraps: pg, postgres.js, PGlite, Knex and better-sqlite3 throw the database's error
 * itself, Drizzle one with a cause, Prisma hides it in its meta data. It never throws: errors may refuse to be read.
 */
function some(error: unknown, matches: (said: Said) => boolean, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > MAX_DEPTH) return false
  try {
    const { code, originalCode, errcode, message, originalMessage, cause, meta, driverAdapterError, errors } =
      error as Record<string, unknown>
    // An extended code of SQLite has the primary one in its lowest byte.
    const sqlite = typeof errcode === 'number' ? SQLITE_CODES.get(errcode & 0xff) : undefined
    const codes = [code, originalCode, sqlite].filter((one) => typeof one === 'string')
    const text = [originalMessage, message].find((one) => typeof one === 'string') ?? ''
    const said = codes.length === 0 ? [undefined] : codes
    if (said.some((one) => matches({ code: one, message: text }))) return true
    const several = Array.isArray(errors) ? errors : []
    return [cause, meta, driverAdapterError, ...several].some((inner) => some(inner, matches, depth + 1))
  } catch {
    return false
  }
}
