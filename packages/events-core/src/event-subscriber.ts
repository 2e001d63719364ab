import type { IServiceScope } from './service-scope.ts'
import type { SyncEvent } from './sync-event.ts'

/**
 * Hears of every event, after the transaction that raised it was committed.
 *
 * @example
 * ```ts
 * import type { IEventSubscriber, SyncEvent } from '@x/events-core'
 *
 * class AuditSubscriber implements IEventSubscriber {
 *   async entityChanged(event: SyncEvent): Promise<void> {
 *     await fetch('http://audit.internal/', { method: 'POST', body: event.id })
 *   }
 * }
 * ```
 */
export interface IEventSubscriber {
  /**
   * Handles one event. Returning means handled; throwing means that it is tried again (durable
   * subscriptions) or logged (broadcast ones). It may be called more than once for one event after
   * a crash, so that what it does should be idempotent: `event.id` is the key.
   */
  entityChanged(event: SyncEvent, context: SubscriberContext): void | Promise<void>
}

/** What surrounds one call of a subscriber. */
export interface SubscriberContext {
  /** Aborted when the engine stops or the call takes too long: pass it on to what waits. */
  readonly signal: AbortSignal
  /** 1 for the first try of this event, 2 for its first retry, and so on. */
  readonly attempt: number
  /** Services of this call alone, disposed after it; present when the engine was given a factory. */
  readonly scope?: IServiceScope
}
