import type { IBatchEventSubscriber } from '@x/events-engine'
import type { DeliveryStore } from '../delivery-store.ts'

/** Creates what makes messages of events for one endpoint alone, and counts its deliveries. */
export type FanOutToOne<DB> = (endpointKey: number) => {
  readonly subscriber: IBatchEventSubscriber<DB>
  storedCount(): number
}

/**
 * The fan-out of all events, on a store that knows one endpoint only.
 *
 * @param create - creates the fan-out on a store.
 */
export function createFanOutToOne<DB>(
  store: DeliveryStore,
  create: (store: DeliveryStore) => IBatchEventSubscriber<DB>,
): FanOutToOne<DB> {
  return (endpointKey) => {
    let count = 0
    const subscriber = create({
      ...store,
      readFilters: async (executor) =>
        (await store.readFilters(executor)).filter(({ key }) => key === endpointKey),
      storeMessages(executor, messages, now) {
        // A transaction that is made once more begins to count anew.
        count = messages.reduce((sum, { targets }) => sum + targets.length, 0)
        return store.storeMessages(executor, messages, now)
      },
    })
    return { subscriber, storedCount: () => count }
  }
}
