import { integer, nullable } from '../sql/columns.ts'
import { type Parameter, readRows, type SqlExecutor, type Statement } from '../sql/database.ts'
import type { Position } from './position.ts'

/** How much of the log lies after a position. */
export interface Lag {
  /** Committed events, at most {@link MAX_COUNTED}. */
  readonly events: number
  /** Whether there are more than were counted. */
  readonly capped: boolean
  /** When the oldest of them was raised. */
  readonly oldest: Date | undefined
}

/** Counting further would read a long log to its end. */
export const MAX_COUNTED = 10_000

const lagColumns = { events: integer, oldest: nullable(integer) }

/**
 * Creates what measures how far a position is behind.
 *
 * @param statement - counts one event more than {@link MAX_COUNTED} at most, and gives the time of the oldest in milliseconds.
 */
export function createLagMeter(
  db: SqlExecutor,
  statement: Statement | string,
  parametersOf: (position: Position) => readonly Parameter[],
) {
  return async (position: Position): Promise<Lag> => {
    const [row] = await readRows(db, lagColumns, statement, parametersOf(position))
    const { events, oldest } = row ?? { events: 0, oldest: null }
    return {
      events: Math.min(events, MAX_COUNTED),
      capped: events > MAX_COUNTED,
      oldest: oldest === null ? undefined : new Date(oldest),
    }
  }
}
