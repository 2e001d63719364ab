import { EventsError } from '@x/events-core'

// Data exceptions, constraints, what a trigger raises, what is too much for one row or statement. Not
// among them: what would be said of any row, such as a missing table or right.
const SQLSTATE = /^(21|22|23|44|54|P0)...$/
const SQLITE = /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG)/

/**
 * Whether an error says that the database, or the event log, will not have these very rows, so that to
 * try the same again is in vain. Anything else may pass: a lost connection, a lock, a full disk.
 */
export function isRefusal(error: unknown): boolean {
  if (EventsError.is(error) || error instanceof RangeError) return true
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' && (SQLSTATE.test(code) || SQLITE.test(code))
}
