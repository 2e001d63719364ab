import type { EntityChangedListener, Logger, SyncEvent } from '@x/events-core'
import { resolveSubscription, type Subscription } from './distributor/subscription.ts'

/** The listeners of `syncManager.on`, and the broadcast subscription that calls them. */
export interface LocalListeners<DB> {
  readonly listeners: Set<EntityChangedListener>
  readonly subscription: Subscription<DB>
}

/** A listener that throws is logged, and keeps none of the others from being called. */
export function listenersSubscription<DB>(logger: Logger): LocalListeners<DB> {
  const listeners = new Set<EntityChangedListener>()

  function entityChanged(event: SyncEvent): void {
    for (const listener of [...listeners]) {
      try {
        listener(event)
      } catch (error) {
        logger.error({ err: error, eventId: event.id }, 'A listener of entityChanged failed')
      }
    }
  }

  const options = { name: 'entityChanged-listeners', mode: 'broadcast' } as const
  const subscription = resolveSubscription<DB>({ entityChanged }, options)
  const isIdle = () => listeners.size === 0
  return { listeners, subscription: { ...subscription, isIdle, scoped: false, observed: false } }
}
