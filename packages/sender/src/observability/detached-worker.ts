import { detached } from '@x/events-engine/internal'
import type { Worker } from '../deliver/worker.ts'

/**
 * Lets a worker work outside of the trace, and of any other asynchronous context, of whoever happens to set it
 * off: the queries and requests of a delivery are no part of the request that has changed an endpoint.
 */
export function detachedWorker(worker: Worker): Worker {
  const {
    stored,
    leaseIdle,
    beginStraight,
    storedStraight,
    changed,
    othersChanged,
    due,
    cancelled,
    lookSoon,
    start,
  } = worker
  const own: Partial<Worker> = {
    stored: (deliveries) => detached(() => stored(deliveries)),
    leaseIdle: (endpointKeys) => detached(() => leaseIdle(endpointKeys)),
    beginStraight: () => detached(beginStraight),
    storedStraight: (...stored) => detached(() => storedStraight(...stored)),
    changed: (endpointKey) => detached(() => changed(endpointKey)),
    othersChanged: () => detached(othersChanged),
    due: (endpointKey) => detached(() => due(endpointKey)),
    cancelled: (delivery) => detached(() => cancelled(delivery)),
    lookSoon: () => detached(lookSoon),
    start: () => detached(start),
  }
  // What it tells of itself is read from it at the time.
  return Object.assign(Object.create(worker) as Worker, own)
}
