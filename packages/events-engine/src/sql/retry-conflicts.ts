import { isSerializationFailure } from './database-errors.ts'

const MAX_TRIES = 10
const FIRST_PAUSE_MS = 2
const MAX_PAUSE_MS = 250

/**
 * Does again what PostgreSQL has rolled back for another transaction's sake, after a short pause that
 * keeps the two apart; not for ever, though.
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
