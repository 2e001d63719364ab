import type { SyncEvent } from '@x/events-core'
import type { EventFilter } from '../distributor/event-filter.ts'
import type { Position } from '../store/event-store.ts'
import type { FeedStretch } from './read-batches.ts'

/** The feed of an engine, for what serves many clients with it. */
export interface FeedSource {
  /**
   * Whether an event is one of a tenant's, or of all tenants, and passes a filter.
   *
   * @throws EventEngineError `invalid_argument`, `invalid_option`
   */
  wantedBy(tenantId: number, filter: EventFilter | undefined): (event: SyncEvent) => boolean
  /** The position of a text; undefined where this log has not given it out, or events behind it are deleted. */
  resume(text: string): Promise<Position | undefined>
  /** What writes positions for clients. */
  writer(): Promise<(position: Position) => string>
  /** The position after everything committed until now. */
  endPosition(): Promise<Position>
  /** The position before the first event that was raised at a time or later. */
  positionAt(time: Date): Promise<Position>
  /** How many events lie behind a position; beyond 10,000 it counts no further. */
  eventsBehind(position: Position): Promise<number>
  /** Ends when the signal is aborted or the engine stops. */
  read(wants: (event: SyncEvent) => boolean, after: Position, signal: AbortSignal): AsyncIterable<FeedStretch>
}

const sources = new WeakMap<object, FeedSource>()

/** Remembers an engine's feed, for {@link feedSourceOf}. */
export function keepFeedSource(engine: object, source: FeedSource): void {
  sources.set(engine, source)
}

/** The feed of an engine; undefined for what is none, or one of another copy of this package. */
export function feedSourceOf(engine: object): FeedSource | undefined {
  return sources.get(engine)
}
