import { EventEngineError } from '../errors.ts'
import { conflictPauseMs, isConflict, isInterruption } from '../sql/database-errors.ts'

/**
 * Ends the work on a subscription for a reason that is not its subscriber's: the database could not be
 * asked before the subscriber was called.
 */
export class Interruption extends Error {
  constructor(cause: unknown) {
    super('The database could not be asked for a subscription.', { cause })
  }
}

/** Whether something ended because the lease did, which is no failure of the subscriber's. */
export function isLeaseLost(error: unknown): boolean {
  return EventEngineError.is(error) && error.code === 'lease_lost'
}

/** Whether an error ends the work, without a word about the subscriber. */
export function endsWork(error: unknown): boolean {
  return error instanceof Interruption || isInterruption(error)
}

/** After so many tries in a row that had to give way to other transactions, one counts as failed. */
const MAX_CONFLICTS = 10

/** Knows, for one event or one batch, how often in a row it had to give way to another transaction. */
export interface Conflicts {
  /**
   * How long to wait before the same is tried again, uncounted; undefined for an error that counts. A
   * subscriber that always deadlocks uses up its tries in the end.
   */
  pauseMsAfter(error: unknown): number | undefined
}

export function createConflicts(): Conflicts {
  let count = 0
  return {
    pauseMsAfter(error) {
      if (count === MAX_CONFLICTS || !isConflict(error)) return undefined
      count += 1
      return conflictPauseMs(count)
    },
  }
}
