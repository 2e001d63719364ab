import { type Assertion, isStorableDate, type SyncEvent } from '@x/events-core'
import { EventEngineError, shown } from './errors.ts'
import type { EventStore } from './store/event-store.ts'
import type { GivenPositions } from './store/given-positions.ts'
import type { SubscriptionRow } from './store/manage-subscriptions.ts'
import type { Position } from './store/position.ts'
import type { SubscriptionState } from './store/save-position.ts'
import { createArgumentAssertion } from './util/assert.ts'
import { isStorable } from './util/storable-text.ts'

/** A durable subscription as it is stored, even when no node runs it. */
export interface SubscriptionInfo {
  readonly name: string
  /** `blocked` after an event used up its tries under `onExhausted: 'block'`. */
  readonly state: SubscriptionState
  /** Opaque. Every event before it is handled or parked. */
  readonly position: string
  /** The node that holds its lease. */
  readonly leasedBy: string | undefined
  /** Failed tries of the event that is next. */
  readonly failedAttempts: number
  readonly lastError: string | undefined
  /** How many events are parked. */
  readonly parked: number
}

/** An event that was parked after its last try. */
export interface ParkedEvent {
  readonly event: SyncEvent
  readonly attempts: number
  /** The text of the last error. */
  readonly error: string
  readonly parkedOn: Date
}

/** Manages durable subscriptions. */
export interface Subscriptions {
  list(): Promise<SubscriptionInfo[]>
  /**
   * Lists the oldest parked events.
   *
   * @param limit - at most so many: 1 to 1000; 100 by default.
   * @throws EventEngineError `unknown_subscription`, `invalid_argument`
   */
  parked(name: string, limit?: number): Promise<ParkedEvent[]>
  /**
   * Resumes a paused or blocked subscription, and retries its parked events.
   *
   * @param eventId - retry this parked event alone; all of them by default. It does not end a pause: then the event is retried
   *   once the pause has ended.
   * @throws EventEngineError `unknown_subscription`, `event_not_parked`
   */
  resume(name: string, eventId?: string): Promise<void>
  /**
   * Deletes parked events.
   *
   * @param eventId - delete this one alone; all of them by default.
   * @returns how many were deleted; 0 where none is parked.
   * @throws EventEngineError `unknown_subscription`
   */
  discard(name: string, eventId?: string): Promise<number>
  /**
   * Skips the next event of a subscription, for one that blocks it and can never succeed. It does not end a pause.
   *
   * @returns the event that was skipped, or undefined when there was none.
   * @throws EventEngineError `unknown_subscription`
   */
  skip(name: string): Promise<SyncEvent | undefined>
  /**
   * Moves a subscription to an earlier or later position, from which it handles the log.
   *
   * @param to - a position that the log has given out, the time of the first event to handle, or
   *   `'start'` for the oldest event that is kept.
   * @throws EventEngineError `unknown_subscription`, `invalid_position`
   */
  rewind(name: string, to: string | Date): Promise<void>
  /**
   * Pauses a subscription on every node until it is resumed. Its events are kept.
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
    `There is no durable subscription named ${shown(name)}; subscriptions.list() lists those that exist.`,
  )
}

function notParked(name: string, eventId: unknown): EventEngineError {
  return new EventEngineError(
    'event_not_parked',
    `The subscription ${shown(name)} has no parked event ${shown(eventId)}; subscriptions.parked(name) lists those that it has.`,
  )
}

/** Asserts that a database can store a name. No subscription has another one, and to query it would fail. */
function assertStorableName(name: string): void {
  if (!isStorable(name)) throw unknown(name)
}

/** The public information about a stored subscription. */
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

  async function assertKnown(name: string): Promise<void> {
    if (!(await store.hasSubscription(name))) throw unknown(name)
  }

  async function unblock(name: string): Promise<void> {
    if (!(await store.unblock(name))) throw unknown(name)
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
      assertStorableName(name)
      const rows = await store.listParked(name, limit)
      if (rows.length === 0) await assertKnown(name)
      return rows.map(({ event, attempts, error, parkedOn }) => ({ event, attempts, error, parkedOn }))
    },
    async resume(name, eventId) {
      assertStorableName(name)
      if (eventId === undefined) {
        await store.requestResume(name, undefined)
        return setState(name, 'active')
      }
      if (!isStorable(eventId) || !(await store.isParked(name, eventId))) {
        await assertKnown(name)
        throw notParked(name, eventId)
      }
      // It may be gone by now: another node was asked for the same.
      await store.requestResume(name, eventId)
      await unblock(name)
    },
    async skip(name) {
      const row = (await store.listSubscriptions()).find((one) => one.name === name)
      if (!row) throw unknown(name)
      const [next] = (await store.readAfter(row.position, 1)).events
      // Where it has been handled in the meantime, there is nothing left to skip.
      if (!next || !(await store.movePosition(name, next.position, row.position))) return undefined
      await unblock(name)
      return next.event
    },
    async rewind(name, to) {
      assertStorableName(name)
      const position = await positionOf(to)
      if (!(await store.movePosition(name, position))) throw unknown(name)
      changed()
    },
    async discard(name, eventId) {
      assertStorableName(name)
      const isId = eventId === undefined || isStorable(eventId)
      const count = isId ? await store.deleteParked(name, eventId) : 0
      if (count === 0) await assertKnown(name)
      return count
    },
    pause: (name) => setState(name, 'paused'),
  }
}
