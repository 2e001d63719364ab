import { type Assertion, isStorableDate, type SyncEvent } from '@x/events-core'
import { EventEngineError, shown } from './errors.ts'
import type { EventStore, Position, SubscriptionRow, SubscriptionState } from './store/event-store.ts'
import type { GivenPositions } from './store/given-positions.ts'
import { createArgumentAssertion } from './util/assert.ts'
import { isStorable } from './util/storable-text.ts'

/** A durable subscription as it is stored, whether any node runs it or not. */
export interface SubscriptionInfo {
  readonly name: string
  /** `blocked` after an event used up its tries under `onExhausted: 'block'`. */
  readonly state: SubscriptionState
  /** Opaque: everything before it is handled or parked. */
  readonly position: string
  /** The node that handles it now. */
  readonly leasedBy: string | undefined
  /** Failed tries of the event that is next. */
  readonly failedAttempts: number
  readonly lastError: string | undefined
  /** How many events are set aside. */
  readonly parked: number
}

/** An event that was set aside after its last try. */
export interface ParkedEvent {
  readonly event: SyncEvent
  readonly attempts: number
  /** What the last try threw. */
  readonly error: string
  readonly parkedOn: Date
}

/** What people do with subscriptions. */
export interface Subscriptions {
  list(): Promise<SubscriptionInfo[]>
  /**
   * The oldest events that are set aside.
   *
   * @param limit - at most so many: 1 to 1000; 100 by default.
   * @throws EventEngineError `invalid_argument`
   */
  parked(name: string, limit?: number): Promise<ParkedEvent[]>
  /**
   * Lets a paused or blocked subscription go on, and has its parked events tried again.
   *
   * @param eventId - try this parked event alone; all of them by default.
   * @throws EventEngineError `unknown_subscription`
   */
  resume(name: string, eventId?: string): Promise<void>
  /**
   * Forgets parked events for good.
   *
   * @param eventId - forget this one alone; all of them by default.
   * @returns how many were forgotten.
   */
  discard(name: string, eventId?: string): Promise<number>
  /**
   * Moves a subscription past the event that is next, unhandled; for one that blocks and can never succeed.
   *
   * @returns the event that was skipped, or undefined when there was none.
   * @throws EventEngineError `unknown_subscription`
   */
  skip(name: string): Promise<SyncEvent | undefined>
  /**
   * Has a subscription handle the log again, or for the first time, from an earlier or later place on.
   *
   * @param to - a position that the log has given out, the time of the first event to handle, or
   *   `'start'` for the oldest event that is kept.
   * @throws EventEngineError `unknown_subscription`, `invalid_position`
   */
  rewind(name: string, to: string | Date): Promise<void>
  /**
   * Stands a subscription still, on every node, until it is resumed. Its events are kept.
   *
   * @throws EventEngineError `unknown_subscription`
   */
  pause(name: string): Promise<void>
}

const MAX_PARKED = 1_000

const assertParked: Assertion = createArgumentAssertion('parked')

function unknown(name: string): EventEngineError {
  return new EventEngineError(
    'unknown_subscription',
    `There is no durable subscription named ${shown(name)}; subscriptions.list() tells which there are.`,
  )
}

/** No subscription has a name that no database stores; it would be an error of the database's to ask for one. */
function assertStorableName(name: string): void {
  if (!isStorable(name)) throw unknown(name)
}

/** What is told of a stored subscription. */
export function subscriptionInfoOf(
  row: SubscriptionRow,
  write: (position: Position) => string,
): SubscriptionInfo {
  return {
    ...row,
    position: write(row.position),
    leasedBy: row.leasedBy ?? undefined,
    lastError: row.lastError ?? undefined,
  }
}

/** @param changed - called after each change, so that runners of this process look at once. */
export function createSubscriptions(
  store: EventStore,
  positions: GivenPositions,
  changed: () => void,
): Subscriptions {
  async function setState(name: string, state: SubscriptionState): Promise<void> {
    assertStorableName(name)
    if (!(await store.setState(name, state))) throw unknown(name)
    changed()
  }

  async function positionOf(to: string | Date): Promise<Position> {
    if (to === 'start') return store.startPosition()
    if (typeof to === 'string') return (await positions.read(to)).position
    if (isStorableDate(to)) return store.positionAt(to)
    throw new EventEngineError(
      'invalid_position',
      `rewind: to must be a position, a valid Date of the years 1 to 9999, or 'start'; got ${shown(to)}.`,
    )
  }

  return {
    async list() {
      const rows = await store.listSubscriptions()
      if (rows.length === 0) return []
      const write = await positions.writer()
      return rows.map((row) => subscriptionInfoOf(row, write))
    },
    async parked(name, limit = 100) {
      assertParked.integer('limit', limit, 1, MAX_PARKED)
      if (!isStorable(name)) return []
      const rows = await store.listParked(name, limit)
      return rows.map(({ event, attempts, error, parkedOn }) => ({ event, attempts, error, parkedOn }))
    },
    async resume(name, eventId) {
      assertStorableName(name)
      if (eventId === undefined || isStorable(eventId)) await store.requestResume(name, eventId)
      await setState(name, 'active')
    },
    async skip(name) {
      const row = (await store.listSubscriptions()).find((one) => one.name === name)
      if (!row) throw unknown(name)
      const [next] = (await store.readAfter(row.position, 1)).events
      // Where it has been handled in the meantime, there is nothing left to skip.
      if (!next || !(await store.movePosition(name, next.position, row.position))) return undefined
      await setState(name, 'active')
      return next.event
    },
    async rewind(name, to) {
      assertStorableName(name)
      const position = await positionOf(to)
      if (!(await store.movePosition(name, position))) throw unknown(name)
      changed()
    },
    async discard(name, eventId) {
      if (!isStorable(name) || (eventId !== undefined && !isStorable(eventId))) return 0
      return store.deleteParked(name, eventId)
    },
    pause: (name) => setState(name, 'paused'),
  }
}
