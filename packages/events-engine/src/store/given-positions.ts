import { EventEngineError, shown } from '../errors.ts'
import type { EventStore } from './event-store.ts'
import type { Position } from './position.ts'

/** A position from outside, and whether events after it are deleted. */
export interface GivenPosition {
  readonly position: Position
  readonly isExpired: boolean
}

/**
 * Writes positions for the outside, and reads them back. Each carries the name of its log, so that one of another database,
 * or of the time before a restore, is not taken for a position in this one.
 */
export interface GivenPositions {
  /** What writes positions of this log for the outside. */
  writer(): Promise<(position: Position) => string>
  /**
   * Whether a text has the form of a position, without asking the database.
   *
   * @throws EventEngineError `invalid_position`
   */
  check(text: string): void
  /**
   * Finds what a text stands for.
   *
   * @throws EventEngineError `invalid_position` for a text that this log has not given out.
   */
  read(text: string): Promise<GivenPosition>
}

const LOG_NAME = /^[0-9a-f]{8}(?:\.[1-9][0-9]{0,8})?$/

export function createGivenPositions(store: EventStore): GivenPositions {
  /** @throws EventEngineError `invalid_position` */
  function parse(text: string): { readonly position: Position; readonly log: string } {
    const at = typeof text === 'string' ? text.lastIndexOf('@') : -1
    const log = at === -1 ? '' : text.slice(at + 1)
    if (!LOG_NAME.test(log)) throw invalid(text)
    try {
      return { position: store.parsePosition(text.slice(0, at)), log }
    } catch {
      throw invalid(text)
    }
  }

  return {
    async writer() {
      // Asked each time: the log may have been restored since.
      const log = await store.logName()
      return (position) => `${position}@${log}`
    },
    check: (text) => void parse(text),
    async read(text) {
      const { position, log } = parse(text)
      if (log !== (await store.logName())) throw invalid(text)
      const place = await store.findPlace(position)
      if (place === 'unknown') throw invalid(text)
      return { position, isExpired: place === 'expired' }
    },
  }
}

function invalid(text: unknown): EventEngineError {
  return new EventEngineError(
    'invalid_position',
    `${shown(text)} is no position that this event log has given out; one of another database, or of the time before a restore, is none. Begin at a time, at 'start', or with what is committed from now on.`,
  )
}
