import type { Dialect } from '../sql/database.ts'
import type { LogContext } from './context.ts'
import type { Lag } from './lag.ts'
import type { ChangeMarker, EventPage, Place, Position } from './position.ts'
import { sequenceOrder } from './sequence-order.ts'
import { snapshotOrder } from './snapshot-order.ts'

/**
 * The order of a log's events, and what a position in it is. It depends on how the transactions of a database commit: one
 * after the other, or in another order than that in which they draw sequences.
 */
export interface LogOrder {
  /** The position before everything that is kept. */
  startPosition(): Position
  /** The position after everything committed until now. */
  endPosition(): Promise<Position>
  /** The position before the first event that was raised at a time or later. */
  positionAt(time: Date): Promise<Position>
  /** @throws EventEngineError `invalid_position` for what this kind of log never gives out. */
  parsePosition(text: string): Position
  /** Whether anything was committed since an earlier marker: cheap enough to ask often. */
  findChange(since: string | undefined): Promise<ChangeMarker>
  readAfter(position: Position, limit: number): Promise<EventPage>
  /** How much is committed behind a position. */
  measureLag(position: Position): Promise<Lag>
  /** What there is behind a position. */
  findPlace(position: Position): Promise<Place>
  /**
   * How long ago, in milliseconds, an event may have been raised that cannot be read yet: since its
   * transaction is still open, or by a clock that is behind.
   */
  longestUncommittedMs(): Promise<number>
  /** Makes a log readable that was restored into another cluster. @returns whether it was one. */
  adoptRestoredLog(): Promise<boolean>
  /** SQL: whether the event `e` lies before a position. */
  isBehind(position: string): string
  /** SQL: the number of a deleted event by which {@link LogOrder.findPlace} goes. */
  readonly deletedNumber: string
}

const ORDERS: Readonly<Record<Dialect, (context: LogContext) => LogOrder>> = {
  sqlite: sequenceOrder,
  postgres: snapshotOrder,
}

/** The order of a database's log. */
export function logOrderOf(context: LogContext): LogOrder {
  return ORDERS[context.sql.name](context)
}
