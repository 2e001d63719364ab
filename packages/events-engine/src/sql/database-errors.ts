import { EventsError } from '@x/events-core'
import { EventEngineError } from '../errors.ts'

const UNDEFINED_TABLE = /^42P01$/
const UNDEFINED_FUNCTION = /^42883$/
// A transaction that gave way to another one: the same again may succeed. P2034 is what Prisma makes of both.
const SERIALIZATION = /^(?:40001|40P01|55P03|P2034)$/
const SQLITE_NO_TABLE = /\bno such table: /
const SQLITE_LOCK = /^SQLITE_(?:BUSY|LOCKED)/
// Data exceptions, constraints, what a trigger raises, what is too much for one row or statement. Not
// among them: what would be said of any row, such as a missing table or right.
const REFUSED = /^(?:(?:21|22|23|44|54|P0)...|SQLITE_(?:CONSTRAINT|MISMATCH|TOOBIG).*)$/

const INTERRUPTIONS: ReadonlySet<string> = new Set(['lease_lost', 'database_silent', 'no_connection'])

const MAX_DEPTH = 5

/** SQLite's primary result codes, which node:sqlite gives in `errcode`, beside a `code` of its own. */
const SQLITE_CODES: ReadonlyMap<number, string> = new Map([
  [5, 'SQLITE_BUSY'],
  [6, 'SQLITE_LOCKED'],
  [13, 'SQLITE_FULL'],
  [18, 'SQLITE_TOOBIG'],
  [19, 'SQLITE_CONSTRAINT'],
  [20, 'SQLITE_MISMATCH'],
])

/** Whether an error of PostgreSQL says that a table is missing, however a library has wrapped it. */
export function isUndefinedTable(error: unknown): boolean {
  return hasCode(error, (code) => UNDEFINED_TABLE.test(code))
}

/** What either database says of a table that is missing; undefined for any other error. */
export function missingTableMessage(error: unknown): string | undefined {
  let found: string | undefined
  findLayer(error, (layer, codes) => {
    const message = String(layer['message'])
    if (!codes.some((code) => UNDEFINED_TABLE.test(code)) && !SQLITE_NO_TABLE.test(message)) return false
    found = message
    return true
  })
  return found
}

/** Whether an error of PostgreSQL says that a function is missing. */
export function isUndefinedFunction(error: unknown): boolean {
  return hasCode(error, (code) => UNDEFINED_FUNCTION.test(code))
}

/**
 * Whether PostgreSQL has ended a transaction because of another one: a serialization failure, a deadlock,
 * a lock that was not free in time. The work may be repeated at once, and counts as no failure.
 */
function isSerializationFailure(error: unknown): boolean {
  return hasCode(error, (code) => SERIALIZATION.test(code))
}

/** The same on either database: on SQLite, another process has kept the file locked for too long. */
export function isConflict(error: unknown): boolean {
  return hasCode(error, (code) => SERIALIZATION.test(code) || SQLITE_LOCK.test(code))
}

/**
 * Whether work ended because of the connection to the database, or of the lease, and not by a failure of the subscriber,
 * which may have wrapped the error. The work begins again with the same events, under a new lease.
 */
export function isInterruption(error: unknown, depth = 0): boolean {
  if (EventEngineError.is(error)) return INTERRUPTIONS.has(error.code)
  try {
    return error instanceof Error && depth < MAX_DEPTH && isInterruption(error.cause, depth + 1)
  } catch {
    return false
  }
}

/**
 * Whether the database, or the event log, refuses these very rows, so that a retry is in vain. Any other failure may pass:
 * a lost connection, a lock, a full disk, a table of ours that is missing.
 */
export function isRefusal(error: unknown): boolean {
  if (isInterruption(error)) return false
  if (EventsError.is(error)) return error.code !== 'not_migrated'
  return isRangeError(error) || hasCode(error, (code) => REFUSED.test(code))
}

/** Drivers throw it for a value that is too large. */
function isRangeError(error: unknown): boolean {
  try {
    return error instanceof RangeError
  } catch {
    return false
  }
}

/** Looks for an SQLSTATE of PostgreSQL, or a name of SQLite's. */
function hasCode(error: unknown, matches: (code: string) => boolean): boolean {
  return findLayer(error, (_, codes) => codes.some(matches))
}

/**
 * Looks at an error, and at what it wraps: pg, postgres.js, PGlite and Knex throw the database's error itself, Drizzle one
 * with a cause, Prisma hides it in its meta data. It never throws: errors of a host may refuse to be read.
 */
function findLayer(
  error: unknown,
  matches: (layer: Readonly<Record<string, unknown>>, codes: readonly string[]) => boolean,
  depth = 0,
): boolean {
  if (typeof error !== 'object' || error === null || depth > MAX_DEPTH) return false
  try {
    const { code, originalCode, errcode, cause, meta, driverAdapterError, errors } = error as Record<
      string,
      unknown
    >
    // An extended code of SQLite has the primary one in its lowest byte.
    const sqlite = typeof errcode === 'number' ? SQLITE_CODES.get(errcode & 0xff) : undefined
    const codes = [code, originalCode, sqlite].filter((one) => typeof one === 'string')
    if (matches(error as Record<string, unknown>, codes)) return true
    const several = Array.isArray(errors) ? errors : []
    return [cause, meta, driverAdapterError, ...several].some((inner) => findLayer(inner, matches, depth + 1))
  } catch {
    return false
  }
}

const MAX_TRIES = 10
const FIRST_PAUSE_MS = 2
const MAX_PAUSE_MS = 250

/**
 * Repeats work that PostgreSQL has rolled back because of another transaction, after a short pause that keeps the two
 * apart, and a limited number of times.
 */
export async function retryConflicts<TResult>(work: () => Promise<TResult>): Promise<TResult> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries === MAX_TRIES || !isSerializationFailure(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, conflictPauseMs(tries)))
    }
  }
}

/** How long to wait after so many conflicts in a row. */
export function conflictPauseMs(conflicts: number): number {
  return Math.random() * Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** conflicts)
}
