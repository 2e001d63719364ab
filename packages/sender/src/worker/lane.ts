import type { EndpointState } from '../deliveries/attempt-result.ts'
import type { DueDelivery, EndpointLease } from '../delivery-store.ts'
import type { RateLimit } from '../endpoints/endpoint.ts'
import type { DeliveryTarget } from './delivery-target.ts'
import type { EndpointHealth } from './endpoint-health.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** An endpoint that this node holds the lease of, and what is being delivered to it. */
export interface Lane {
  readonly endpointKey: number
  readonly epoch: number
  /** Undefined until it is read, and again when the endpoint has changed. */
  target: DeliveryTarget | undefined
  /** Undefined until it is read. */
  health: EndpointHealth | undefined
  /** Which of the resets by people the health has heard of. */
  resets: number
  /** Of the health's changes, how many are stored. */
  storedChanges: number
  rate: RateLimiter | undefined
  /** What the limiter was made for. */
  rateLimit: RateLimit | undefined
  /** Read and not begun yet: deliveries that were never attempted, and those that were. */
  readonly first: DueDelivery[]
  readonly retries: DueDelivery[]
  turn: number
  /** Messages that are buffered, under way, or not recorded yet: not to be read again. */
  readonly known: Set<number>
  /** Of those that are ordered, the message in each ordering lane: a second one waits for its end. */
  readonly ordered: Map<string, number>
  inFlight: number
  /** Attempts begun. */
  begun: number
  /** Requests that may be under way at once: fewer than the endpoint allows while it fails. */
  limit: number
  /** The attempt begun last when the limit was lowered. */
  loweredAt: number
  /** By `performance.now()`: since when it could not be read, however often that was tried. */
  failingSince: number | undefined
  /** What is due of it is being read just now. */
  reading: boolean
  /** Whether there may be something due that was not read. */
  moreFirst: boolean
  moreRetries: boolean
  /** By `performance.now()`: no attempt begins after it unless the lease was extended. */
  leasedUntil: number
  /** By `performance.now()`. */
  busyAt: number
  /** Its lease was lost or handed back: nothing more begins. */
  closed: boolean
  /** The endpoint is being disabled: nothing begins until that is recorded, and the lane closed. */
  gone: boolean
}

const RETRY_EVERY = 4
/** What a rate-limited endpoint may have begun and not recorded, as a multiple of its concurrency. */
export const UNRECORDED_FACTOR = 2

/** Creates the lane of a lease just taken. */
export function createLane({ endpointKey, epoch }: EndpointLease, leasedUntil: number): Lane {
  return {
    endpointKey,
    epoch,
    target: undefined,
    health: undefined,
    resets: 0,
    storedChanges: 0,
    rate: undefined,
    rateLimit: undefined,
    first: [],
    retries: [],
    turn: 0,
    known: new Set(),
    ordered: new Map(),
    inFlight: 0,
    begun: 0,
    limit: Number.POSITIVE_INFINITY,
    loweredAt: 0,
    failingSince: undefined,
    reading: false,
    moreFirst: true,
    moreRetries: true,
    leasedUntil,
    busyAt: performance.now(),
    closed: false,
    gone: false,
  }
}

/** Whether an attempt may begin now, as far as the lane is concerned, its rate limit aside. */
export function isWilling(lane: Lane, now: number): boolean {
  const { target, health, first, retries, inFlight, limit, closed, gone } = lane
  if (first.length + retries.length === 0 || !target || !health || closed || gone) return false
  if (now < health.notBefore) return false
  return inFlight < (health.probing ? 1 : Math.min(limit, target.concurrency.max))
}

/** Whether an attempt may begin now. */
export function canStart(lane: Lane, now: number): boolean {
  if (!isWilling(lane, now)) return false
  const { rate, known, first, retries, target } = lane
  if (!rate) return true
  // Who takes over if this process dies has to know how many requests were not recorded, at most.
  const unrecorded = known.size - first.length - retries.length
  return unrecorded < (target?.concurrency.max ?? 1) * UNRECORDED_FACTOR && rate.hasToken(now)
}

/** What to begin: first attempts before others, which get every fourth turn. */
export function takeNext(lane: Lane, mayRetry: boolean): DueDelivery | undefined {
  const { first, retries } = lane
  const isRetryTurn =
    mayRetry && retries.length > 0 && (first.length === 0 || ++lane.turn % RETRY_EVERY === 0)
  return isRetryTurn ? retries.shift() : first.shift()
}

/** Lets a retry be next: what a person wants to be sent again should not wait for what was never attempted. */
export function letRetryBeNext(lane: Lane): void {
  lane.turn = RETRY_EVERY - 1
}

/** Whether another delivery of its ordering lane has not come to its end here; a cancelled one may be under way yet. */
export function mustWait({ ordered }: Lane, { lane: orderedBy, messageKey }: DueDelivery): boolean {
  return orderedBy !== null && (ordered.get(orderedBy) ?? messageKey) !== messageKey
}

/** A delivery was read. */
export function remember(lane: Lane, { lane: orderedBy, messageKey }: DueDelivery): void {
  lane.known.add(messageKey)
  if (orderedBy !== null) lane.ordered.set(orderedBy, messageKey)
}

/** A delivery is not buffered, nor under way, nor waits to be recorded any more. */
export function forget(lane: Lane, messageKey: number, orderedBy: string | null): void {
  lane.known.delete(messageKey)
  if (orderedBy !== null) lane.ordered.delete(orderedBy)
}

/** Drops a delivery that was read, unless its attempt is under way. */
export function dropBuffered(lane: Lane, messageKey: number): void {
  for (const buffer of [lane.first, lane.retries]) {
    const index = buffer.findIndex((delivery) => delivery.messageKey === messageKey)
    const [dropped] = index < 0 ? [] : buffer.splice(index, 1)
    if (dropped) forget(lane, messageKey, dropped.lane)
  }
}

/** How many of each kind are kept ready. */
export function bufferSize({ target }: Lane): number {
  return (target?.concurrency.max ?? 1) * 2
}

/** Whether it is time to read on. */
export function isHungry(lane: Lane, now: number): boolean {
  if (lane.closed || lane.gone) return false
  if (lane.target === undefined) return true
  if (now < (lane.health?.notBefore ?? 0)) return false
  const size = bufferSize(lane)
  return (lane.moreFirst && lane.first.length < size) || (lane.moreRetries && lane.retries.length < size)
}

/** Whether nothing is left of what was read. */
export function isIdle(lane: Lane): boolean {
  return lane.known.size === 0 && lane.target !== undefined && !lane.moreFirst && !lane.moreRetries
}

/** Nothing begins for a while: forgets what was read and not begun. The queue tells when to read again. */
export function shelve(lane: Lane): void {
  for (const { messageKey, lane: orderedBy } of [...lane.first, ...lane.retries]) {
    forget(lane, messageKey, orderedBy)
  }
  lane.first.length = 0
  lane.retries.length = 0
  lane.moreFirst = false
  lane.moreRetries = false
}

/** What has to be stored of a lane's endpoint; undefined when nothing has changed. */
export function stateToStore(lane: Lane, now: number): EndpointState | undefined {
  const { endpointKey, epoch, health, rate, resets } = lane
  if (!health || (health.changes === lane.storedChanges && !rate)) return undefined
  return {
    endpointKey,
    epoch,
    resets,
    failingSince: health.failingSince,
    notBefore: Math.max(health.notBefore, rate && !rate.hasToken(now) ? (rate.nextTokenOn(now) ?? 0) : 0),
    details: health.details,
    rate: rate?.stored(now) ?? null,
    changes: health.changes,
  }
}
