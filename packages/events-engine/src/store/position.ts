import type { SyncEvent } from '@x/events-core'

/**
 * A cursor into the log. Opaque outside the stores, comparable only by the store that made it. Every event before it is
 * handled.
 */
export type Position = string

/** An event and the position right after it. */
export interface PositionedEvent {
  readonly event: SyncEvent
  readonly position: Position
  /** How many characters its data has, as JSON. */
  readonly size: number
}

/** What a read of the log gives: whole in itself, in log order. */
export interface EventPage {
  readonly events: readonly PositionedEvent[]
  /** Where to read on; may have moved although there was no event. */
  readonly position: Position
  /** Whether there may be more already, so that it pays to read on at once. */
  readonly more: boolean
}

/**
 * Whether a reader can go on behind a position: `expired` where events behind it are deleted, `unknown`
 * where it stands behind what is not in this log.
 */
export type Place = 'kept' | 'expired' | 'unknown'

/** The result of a look for changes. */
export interface ChangeMarker {
  /** To be handed to the next look. */
  readonly marker: string
  /** Behind everything that the look has seen. */
  readonly position: Position
  readonly changed: boolean
}
