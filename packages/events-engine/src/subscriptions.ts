import type { SyncEvent } from '@x/events-core'
import { EventEngineError, shown } from './errors.ts'
import type { EventStore, SubscriptionState } from './store/event-store.ts'

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
   * @param limit - at most so many; 100 by default.
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
   * Stands a subscription still, on every node, until it is resumed. Its events are kept.
   *
   * @throws EventEngineError `unknown_subscription`
   */
  pause(name: string): Promise<void>
}

/** @param changed - called after each change, so that runners of this process look at once. */
export function createSubscriptions(store: EventStore, changed: () => void): Subscriptions {
  async function setState(name: string, state: SubscriptionState): Promise<void> {
    if (!(await store.setState(name, state))) {
      throw new EventEngineError(
        'unknown_subscription',
        `There is no durable subscription named ${shown(name)}; subscriptions.list() tells which there are.`,
      )
    }
    changed()
  }

  return {
    async list() {
      const rows = await store.listSubscriptions()
      return rows.map((row) => ({
        ...row,
        leasedBy: row.leasedBy ?? undefined,
        lastError: row.lastError ?? undefined,
      }))
    },
    async parked(name, limit = 100) {
      const rows = await store.listParked(name, limit)
      return rows.map(({ event, attempts, error, parkedOn }) => ({ event, attempts, error, parkedOn }))
    },
    async resume(name, eventId) {
      await store.requestResume(name, eventId)
      await setState(name, 'active')
    },
    discard: (name, eventId) => store.deleteParked(name, eventId),
    pause: (name) => setState(name, 'paused'),
  }
}
