import { EventEngineError } from '../errors.ts'
import { conflictPauseMs, isConflict, isInterruption } from '../sql/database-errors.ts'

/**
 * Ends the work on a subscription because of the database, which failed before the subscriber was called.
 */
export class Interruption extends Error {
  constructor(cause: unknown) {
    super('The database could not be asked for a subscription.', { cause })
  }
}

/** Whether an error says that the lease has ended, which is no failure of the subscriber. */
export function isLeaseLost(error: unknown): boolean {
  return EventEngineError.is(error) && error.code === 'lease_lost'
}

/** Whether an error ends the work, and counts as no failure of the subscriber. */
export function endsWork(error: unknown): boolean {
  return error instanceof Interruption || isInterruption(error)
}

/** After so many conflicts with other transactions in a row, a try counts as failed. */
const MAX_CONFLICTS = 10

/** Counts the conflicts in a row of one event, or one batch, with other transactions. */
export interface Conflicts {
  /**
   * The pause before a retry that does not count; undefined for an error that counts. A subscriber that always deadlocks
   * uses up its tries in the end.
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

/** Ends what is under way once another node, or a person, has taken the subscription. */
export function assertLease(name: string, held: boolean): void {
  if (!held) throw new EventEngineError('lease_lost', `The lease of subscription ${name} has ended.`)
}
