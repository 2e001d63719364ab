import { ALL_TENANTS, type Assertion, type FieldNames, type SyncEvent } from '@x/events-core'
import { compileFilter, type EventFilter } from '../distribute/event-filter.ts'
import { EventEngineError, shown } from '../errors.ts'
import type { GivenPositions } from '../store/given-positions.ts'
import type { Position } from '../store/position.ts'
import { assertInteger, createArgumentAssertion } from '../util/assert.ts'
import { createFeedHub, type FeedHubParts } from './feed-hub.ts'
import { type FeedBatch, readBatches } from './read-batches.ts'

const assertArgument: Assertion = createArgumentAssertion('feed')

/** The options of `engine.feed`. */
export interface FeedOptions {
  /** Events of this tenant, and those of all tenants. */
  readonly tenantId: number
  /**
   * The position of the last event that was received: the feed continues after it.
   * @defaultValue the end of the log
   */
  readonly after?: string | undefined
  /** Event types or patterns, or a function that decides. */
  readonly filter?: EventFilter | undefined
  /** Ends the feed. */
  readonly signal?: AbortSignal | undefined
}

const OPTIONS: FieldNames<FeedOptions> = { tenantId: true, after: true, filter: true, signal: true }

/** An event of the feed, and the position to resume at. */
export interface FeedItem {
  /** Opaque. Pass it as `after` to resume; it serves as the id of a server-sent event. */
  readonly position: string
  readonly event: SyncEvent
}

/** The feed of an engine, for servers that pass it on to many clients. */
export interface FeedSource {
  /**
   * Whether an event is one of a tenant's, or of all tenants, and passes a filter.
   *
   * @throws EventEngineError `invalid_argument`, `invalid_option`
   */
  wantedBy(tenantId: number, filter: EventFilter | undefined): (event: SyncEvent) => boolean
  /** The position of a text; undefined where this log has not given it out, or events after it are deleted. */
  resume(text: string): Promise<Position | undefined>
  /** Writes positions for clients. */
  writer(): Promise<(position: Position) => string>
  /** The position after everything committed until now. */
  endPosition(): Promise<Position>
  /** The position before the first event that was raised at a time or later. */
  positionAt(time: Date): Promise<Position>
  /** How many events lie after a position; at most 10,000 are counted. */
  eventsBehind(position: Position): Promise<number>
  /** Ends when the signal is aborted or the engine stops. */
  read(wants: (event: SyncEvent) => boolean, after: Position, signal: AbortSignal): AsyncIterable<FeedBatch>
}

/** The feed of an engine. */
export interface Feed {
  /**
   * Iterates over the events of a tenant in the order of the log, for as long as the caller reads.
   *
   * @throws EventEngineError `invalid_argument`, `invalid_option`, `invalid_position`; while it is
   *   read, `position_expired`, and `invalid_position` for a position of another log
   */
  open(options: FeedOptions): AsyncIterable<FeedItem>
  /** The same for servers that pass it on to many clients. */
  readonly source: FeedSource
  /** Opens again after a stop. A new feed is open. */
  start(): void
  /** Ends every iteration. */
  stop(): Promise<void>
}

/** Creates the feed of an engine. */
export function createFeed(given: FeedHubParts & { readonly positions: GivenPositions }): Feed {
  const { store, positions } = given
  const hub = createFeedHub(given)
  const parts = { store, hub }
  let stopping = new AbortController()
  const endedBy = (signal: AbortSignal | undefined) =>
    signal ? AbortSignal.any([signal, stopping.signal]) : stopping.signal

  async function* read(
    wants: (event: SyncEvent) => boolean,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<FeedItem, void, undefined> {
    const resumed = after === undefined ? undefined : await positions.read(after)
    if (resumed?.isExpired) {
      throw new EventEngineError(
        'position_expired',
        `feed: events after ${shown(after)} are deleted already; load the present state, and follow the feed from now on.`,
      )
    }
    const start = resumed?.position ?? (await store.endPosition())
    const write = await positions.writer()
    for await (const { events } of readBatches(parts, wants, start, signal)) {
      for (const { event, position } of events) yield { event, position: write(position) }
    }
  }

  return {
    open(options) {
      const { tenantId, after, filter, signal } = assertArgument.fields('', options, OPTIONS)
      const isSignal = signal === undefined || typeof Object(signal).addEventListener === 'function'
      assertArgument(isSignal, 'signal', 'an AbortSignal', signal)
      const wants = wantedBy(tenantId, filter)
      if (after !== undefined) positions.check(after)
      const ending = endedBy(signal)
      return { [Symbol.asyncIterator]: () => read(wants, after, ending) }
    },
    source: {
      wantedBy,
      async resume(text) {
        try {
          const { position, isExpired } = await positions.read(text)
          return isExpired ? undefined : position
        } catch (error) {
          if (EventEngineError.is(error) && error.code === 'invalid_position') return undefined
          throw error
        }
      },
      writer: positions.writer,
      endPosition: () => store.endPosition(),
      positionAt: (time) => store.positionAt(time),
      eventsBehind: async (position) => (await store.measureLag(position)).events,
      read: (wants, after, signal) => readBatches(parts, wants, after, endedBy(signal)),
    },
    start() {
      if (stopping.signal.aborted) stopping = new AbortController()
    },
    async stop() {
      stopping.abort()
      await hub.stop()
    },
  }
}

function wantedBy(tenantId: number, filter: EventFilter | undefined): (event: SyncEvent) => boolean {
  assertInteger(assertArgument, 'tenantId', tenantId)
  const matches = compileFilter(filter)
  return (event) => (event.tenantId === tenantId || event.tenantId === ALL_TENANTS) && matches(event)
}
