import type { EndpointState } from '../deliveries/attempt-result.ts'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import type { RateLimit } from '../endpoints/endpoint.ts'
import type { TakenLease } from '../store/leases.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'
import type { DeliveryTarget } from './delivery-target.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** An endpoint that this node holds the lease of, and what is being delivered to it. */
export interface LeasedEndpoint {
  readonly endpointKey: number
  readonly epoch: number
  readonly tenantId: number
  /** Undefined until it is read, and again when the endpoint has changed. */
  target: DeliveryTarget | undefined
  /** Undefined until it is read. */
  circuit: CircuitBreaker | undefined
  /** Which of the resets by people the circuit has heard of. */
  resets: number
  /** Of the circuit's changes, how many are stored. */
  storedChanges: number
  rate: RateLimiter | undefined
  /** What the limiter was made for. */
  rateLimit: RateLimit | undefined
  /** Read and not begun yet: deliveries that were never attempted, and those that were. */
  readonly first: DueDelivery[]
  readonly retries: DueDelivery[]
  /** Read and not begun yet: what people have asked for. */
  readonly manual: DueDelivery[]
  turn: number
  /** Whether the last attempt that was begun in its turn was one that a person had asked for. */
  wasManual: boolean
  /** Messages that are buffered, under way, or not recorded yet: not to be read again. */
  readonly known: Set<number>
  /** How many of them are sent straight, and are not stored. */
  straight: number
  /** How long their attempts take, in milliseconds; an average that the latest weigh most in. */
  straightMs: number
  /** Events whose deliveries are being stored: a read that finds them leaves them to those who store them. */
  readonly heldBack: Set<string>
  /** Those of them that were stored during a read, which may find them yet. */
  readonly released: string[]
  /** Whether a read has left some out. */
  missed: boolean
  /** Of those that are ordered, the message of each ordering key: a second one waits for its end. */
  readonly ordered: Map<string, number>
  inFlight: number
  /** Attempts under way beyond what the endpoint allows, which people have asked for. */
  extraInFlight: number
  /** How many of those were begun since the last one that the endpoint allows. */
  extrasInARow: number
  /** How many of those there may be, by `performance.now()`; undefined until the endpoint is read. */
  extras: RateLimiter | undefined
  /** Attempts begun. */
  begun: number
  /** Requests that may be under way at once: fewer than the endpoint allows while it fails. */
  limit: number
  /** The attempt begun last when the limit was lowered. */
  loweredAt: number
  /** By `performance.now()`: since when it could not be read, however often that was tried. */
  failingSince: number | undefined
  /** Leased when nothing was due, and not read since: there is nothing to be read yet. */
  isFresh: boolean
  /** What is due of it is being read just now. */
  reading: boolean
  /** Whether there may be something due that was not read. */
  moreFirst: boolean
  moreRetries: boolean
  moreManual: boolean
  /** By `performance.now()`: no attempt begins after it unless the lease was extended. */
  leasedUntil: number
  /** By `performance.now()`. */
  busyAt: number
  /** Its lease was lost or handed back: nothing more begins. */
  closed: boolean
  /** The endpoint is being disabled: nothing begins until that is recorded, and the endpoint closed. */
  gone: boolean
}

const RETRY_EVERY = 4
/** How many attempts that people ask for may be under way to an endpoint beyond what it allows. */
const EXTRA_AT_ONCE = 5
/** How many of them may be made in so many seconds, or in those of the endpoint's rate limit if they are more. */
export const EXTRA_ATTEMPTS = 10
export const EXTRA_SECONDS = 10
/** What a rate-limited endpoint may have begun and not recorded, as a multiple of its concurrency. */
export const UNRECORDED_FACTOR = 2

/**
 * Creates the endpoint of a lease just taken.
 *
 * @param isFresh - whether nothing was due when it was.
 */
export function createLeasedEndpoint(
  { endpointKey, epoch, tenantId }: TakenLease,
  leasedUntil: number,
  isFresh: boolean,
): LeasedEndpoint {
  return {
    endpointKey,
    epoch,
    tenantId,
    target: undefined,
    circuit: undefined,
    resets: 0,
    storedChanges: 0,
    rate: undefined,
    rateLimit: undefined,
    first: [],
    retries: [],
    manual: [],
    turn: 0,
    wasManual: false,
    known: new Set(),
    straight: 0,
    straightMs: 0,
    heldBack: new Set(),
    released: [],
    missed: false,
    ordered: new Map(),
    inFlight: 0,
    extraInFlight: 0,
    extrasInARow: 0,
    extras: undefined,
    begun: 0,
    limit: Number.POSITIVE_INFINITY,
    loweredAt: 0,
    failingSince: undefined,
    isFresh,
    reading: false,
    moreFirst: !isFresh,
    moreRetries: !isFresh,
    moreManual: !isFresh,
    leasedUntil,
    busyAt: performance.now(),
    closed: false,
    gone: false,
  }
}

/** Whether an attempt may begin now, as far as the endpoint is concerned, its rate limit aside. */
export function isWilling(endpoint: LeasedEndpoint, now: number): boolean {
  const { target, circuit, first, retries, manual, inFlight, extraInFlight, limit, closed, gone } = endpoint
  if (first.length + retries.length + manual.length === 0) return false
  if (!target || !circuit || closed || gone || now < circuit.notBefore) return false
  // What a person has asked for is the probe; many such wishes do not take the place of all others.
  if (circuit.probing && extraInFlight > 0 && endpoint.extrasInARow <= EXTRA_AT_ONCE) return false
  if (circuit.probing) return inFlight < 1
  return inFlight < Math.min(limit, target.concurrency.max)
}

/** What waits longer than this for its turn is better stored. */
const LONGEST_STRAIGHT_WAIT_MS = 200

/**
 * Whether a delivery may be sent that is not stored: nothing is due that was not read, few that are stored come before it,
 * nothing has to be kept up to date in the database for it, and its turn comes soon.
 */
export function canSendStraight(endpoint: LeasedEndpoint, now: number): boolean {
  const { target, circuit, rate, known, first, closed, gone, reading } = endpoint
  if (!target || !circuit || closed || gone || reading || endpoint.moreFirst || rate) return false
  if (target.refusal || circuit.probing || isPaused(endpoint, now)) return false
  if (performance.now() >= endpoint.leasedUntil) return false
  // Those that are stored are late: many of them are a sign that this one would be, too.
  if (known.size - endpoint.straight > target.concurrency.max / 2) return false
  return (first.length * endpoint.straightMs) / target.concurrency.max <= LONGEST_STRAIGHT_WAIT_MS
}

/** Whether an attempt may begin now. */
export function canStart(endpoint: LeasedEndpoint, now: number): boolean {
  if (!isWilling(endpoint, now)) return false
  const { rate, known, first, retries, manual, extraInFlight, target } = endpoint
  if (!rate) return true
  // Who takes over if this process dies has to know how many requests were not recorded, at most.
  const unrecorded = known.size - first.length - retries.length - manual.length - extraInFlight
  return unrecorded < (target?.concurrency.max ?? 1) * UNRECORDED_FACTOR && rate.hasToken(now)
}

/**
 * Whether an attempt that a person has asked for may begin now, beyond what the endpoint allows: whatever its circuit
 * breaker, its rate limit and what is under way say.
 */
export function canStartExtra(endpoint: LeasedEndpoint): boolean {
  const { target, circuit, manual, extraInFlight, extras, closed, gone } = endpoint
  if (manual.length === 0 || extraInFlight >= EXTRA_AT_ONCE) return false
  if (!target || !circuit || !extras || closed || gone) return false
  return extras.hasToken(performance.now())
}

/**
 * What to begin in its turn: what people have asked for every second time, so that many such wishes leave room for the
 * rest; first attempts before retries, which get every fourth turn.
 */
export function takeNext(endpoint: LeasedEndpoint, mayRetry: boolean): DueDelivery | undefined {
  const { first, retries, manual } = endpoint
  const others = first.length + (mayRetry ? retries.length : 0)
  endpoint.wasManual = manual.length > 0 && (others === 0 || !endpoint.wasManual)
  if (endpoint.wasManual) return manual.shift()
  const isRetryTurn =
    mayRetry && retries.length > 0 && (first.length === 0 || ++endpoint.turn % RETRY_EVERY === 0)
  return isRetryTurn ? retries.shift() : first.shift()
}

/** Whether another delivery of its ordering endpoint has not come to its end here; a cancelled one may be under way yet. */
export function mustWait({ ordered }: LeasedEndpoint, { orderingKey, messageKey }: DueDelivery): boolean {
  return orderingKey !== null && (ordered.get(orderingKey) ?? messageKey) !== messageKey
}

/** A delivery was read. One that a person has asked for is beside the order. */
export function remember(endpoint: LeasedEndpoint, { orderingKey, messageKey, manual }: DueDelivery): void {
  endpoint.known.add(messageKey)
  if (messageKey < 0) endpoint.straight += 1
  if (orderingKey !== null && !manual) endpoint.ordered.set(orderingKey, messageKey)
}

/** A delivery is not buffered, nor under way, nor waits to be recorded any more. */
export function forget(endpoint: LeasedEndpoint, messageKey: number, orderingKey: string | null): void {
  if (endpoint.known.delete(messageKey) && messageKey < 0) endpoint.straight -= 1
  if (orderingKey !== null && endpoint.ordered.get(orderingKey) === messageKey)
    endpoint.ordered.delete(orderingKey)
}

/** Drops a delivery that was read, unless its attempt is under way. */
export function dropBuffered(endpoint: LeasedEndpoint, messageKey: number): void {
  for (const buffer of [endpoint.first, endpoint.retries, endpoint.manual]) {
    const index = buffer.findIndex((delivery) => delivery.messageKey === messageKey)
    const [dropped] = index < 0 ? [] : buffer.splice(index, 1)
    if (dropped) forget(endpoint, messageKey, dropped.orderingKey)
  }
}

/** How many of each kind are kept ready. */
export function bufferSize({ target }: LeasedEndpoint): number {
  return (target?.concurrency.max ?? 1) * 2
}

/** Whether the endpoint is to be left alone for now, but for what people ask for. */
export function isPaused({ circuit }: LeasedEndpoint, now: number): boolean {
  return now < (circuit?.notBefore ?? 0)
}

/** Whether it is time to read what people have asked for. */
export function wantsManual({ moreManual, manual }: LeasedEndpoint): boolean {
  return moreManual && manual.length < EXTRA_ATTEMPTS
}

/** Whether it is time to read on. */
export function isHungry(endpoint: LeasedEndpoint, now: number): boolean {
  if (endpoint.closed || endpoint.gone) return false
  if (endpoint.target === undefined || wantsManual(endpoint)) return true
  if (isPaused(endpoint, now)) return false
  const size = bufferSize(endpoint)
  return (
    (endpoint.moreFirst && endpoint.first.length < size) ||
    (endpoint.moreRetries && endpoint.retries.length < size)
  )
}

/** Whether nothing is left of what was read. */
export function isIdle(endpoint: LeasedEndpoint): boolean {
  const mayHaveMore = endpoint.moreFirst || endpoint.moreRetries || endpoint.moreManual
  return endpoint.known.size === 0 && endpoint.target !== undefined && !mayHaveMore
}

/**
 * Nothing begins for a while, but for what people ask for: forgets what was read and not begun. The queue tells when to
 * read again.
 */
export function shelve(endpoint: LeasedEndpoint): void {
  for (const { messageKey, orderingKey } of [...endpoint.first, ...endpoint.retries]) {
    forget(endpoint, messageKey, orderingKey)
  }
  endpoint.first.length = 0
  endpoint.retries.length = 0
  endpoint.moreFirst = false
  endpoint.moreRetries = false
}

/** What has to be stored of a endpoint's endpoint; undefined when nothing has changed. */
export function stateToStore(endpoint: LeasedEndpoint, now: number): EndpointState | undefined {
  const { endpointKey, epoch, circuit, rate, resets } = endpoint
  if (!circuit || (circuit.changes === endpoint.storedChanges && !rate)) return undefined
  return {
    endpointKey,
    epoch,
    resets,
    failingSince: circuit.failingSince,
    notBefore: Math.max(circuit.notBefore, rate && !rate.hasToken(now) ? (rate.nextTokenOn(now) ?? 0) : 0),
    details: circuit.details,
    rate: rate?.stored(now) ?? null,
    changes: circuit.changes,
  }
}
