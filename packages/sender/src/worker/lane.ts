import type { DueDelivery, EndpointLease } from '../delivery-store.ts'
import type { DeliveryTarget } from './delivery-target.ts'

/** An endpoint that this node holds the lease of, and what is being delivered to it. */
export interface Lane {
  readonly endpointKey: number
  readonly epoch: number
  /** Undefined until it is read, and again when the endpoint has changed. */
  target: DeliveryTarget | undefined
  /** Read and not begun yet. */
  readonly buffer: DueDelivery[]
  /** Messages that are buffered, under way, or not recorded yet: not to be read again. */
  readonly known: Set<number>
  inFlight: number
  /** Requests that may be under way at once: fewer than the endpoint allows while it fails. */
  limit: number
  /** Whether there may be something due that was not read. */
  mayHaveMore: boolean
  /** By `performance.now()`: no attempt begins after it unless the lease was extended. */
  leasedUntil: number
  /** By `performance.now()`. */
  busyAt: number
  /** Its lease was lost or handed back: nothing more begins. */
  closed: boolean
  /** The consumer wants nothing any more: nothing begins until that is recorded, and the lane closed. */
  gone: boolean
}

/** Creates the lane of a lease just taken. */
export function createLane({ endpointKey, epoch }: EndpointLease, leasedUntil: number): Lane {
  return {
    endpointKey,
    epoch,
    target: undefined,
    buffer: [],
    known: new Set(),
    inFlight: 0,
    limit: Number.POSITIVE_INFINITY,
    mayHaveMore: true,
    leasedUntil,
    busyAt: performance.now(),
    closed: false,
    gone: false,
  }
}

/** Whether an attempt may begin now, as far as the lane is concerned. */
export function canStart(lane: Lane): boolean {
  const { target, buffer, inFlight, limit, closed, gone } = lane
  if (buffer.length === 0 || target === undefined || closed || gone) return false
  return inFlight < Math.min(limit, target.concurrency.max)
}

/** Whether it is time to read on. */
export function isHungry(lane: Lane): boolean {
  if (lane.closed || lane.gone) return false
  return (
    lane.target === undefined || (lane.mayHaveMore && lane.buffer.length < lane.target.concurrency.max * 2)
  )
}

/** Whether nothing is left of what was read. */
export function isIdle(lane: Lane): boolean {
  return lane.known.size === 0 && lane.target !== undefined && !lane.mayHaveMore
}

/** An endpoint that fails gets one request at a time, soon; one that recovers gets its own measure back. */
export function adaptLimit(lane: Lane, failing: boolean): void {
  const most = lane.target?.concurrency.max ?? lane.limit
  const limit = Math.min(lane.limit, most)
  lane.limit = failing ? Math.max(1, Math.floor(limit / 2)) : Math.min(most, limit + 1)
}
