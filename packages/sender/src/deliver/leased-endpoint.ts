import type { AttemptResult, EndpointState, StoredEndpointState } from '../deliveries/attempt-result.ts'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import type { TakenLease } from '../store/leases.ts'
import {
  type AttemptOrder,
  type CircuitBreaker,
  type CircuitPolicy,
  createCircuitBreaker,
  type EndpointNotice,
} from './circuit-breaker.ts'
import { DeliveryBuffer, type DeliveryKind, MANUAL_AT_ONCE } from './delivery-buffer.ts'
import type { DeliveryTarget } from './delivery-target.ts'
import type { Outcome } from './outcome.ts'
import { createRateLimiter, type RateLimiter } from './rate-limiter.ts'

/** A first attempt or a retry, in its turn; or one beyond the endpoint's limits, because a person has asked for it. */
export type AttemptKind = 'first' | 'retry' | 'extra'

/** An attempt as its endpoint counts it. */
export interface AttemptInFlight extends Omit<AttemptOrder, 'latest'> {
  readonly kind: AttemptKind
  /** The limiter that it has taken a token of. */
  readonly limiter: RateLimiter | undefined
}

/** How many attempts that people ask for may be in flight to an endpoint beyond what it allows. */
const EXTRA_AT_ONCE = 5
/** How many of them may begin in so many seconds, or in those of the endpoint's rate limit if they are more. */
const EXTRA_ATTEMPTS = MANUAL_AT_ONCE
const EXTRA_SECONDS = 10
/** What a rate-limited endpoint may have begun and not recorded, as a multiple of its concurrency. */
const UNRECORDED_FACTOR = 2
/** What waits longer than this for its turn is better stored. */
const LONGEST_STRAIGHT_WAIT_MS = 200
/**
 * How much a shorter and a longer attempt change the average. All of them last longer for a moment, too, while this process
 * is busy with something else.
 */
const SHORTER_WEIGHT = 1 / 2
const LONGER_WEIGHT = 1 / 64
const FAST_MS = 1_000

/**
 * An endpoint whose lease this node holds: how it is delivered to, what is in flight, and what of its state is not stored.
 * Only this file and its buffer change that. Times called `now` are the engine's clock's; all others are of
 * `performance.now()`.
 */
export class LeasedEndpoint {
  readonly endpointKey: number
  readonly epoch: number
  readonly tenantId: number
  /** Its deliveries that are known here. */
  readonly buffer: DeliveryBuffer

  #leasedUntil: number
  #closed = false

  #target: DeliveryTarget | undefined
  #changes = 0
  /** Leased when nothing was due, and not read since. */
  #isFresh: boolean
  #circuit: CircuitBreaker | undefined
  /** Which of the resets by people the circuit breaker includes. */
  #resets = 0
  #storedChanges = 0
  #rate: RateLimiter | undefined
  /** Limits the attempts beyond what the endpoint allows. */
  #extras: RateLimiter | undefined
  /** An outcome disables the endpoint: nothing begins until that is recorded. */
  #isBeingDisabled = false

  #begun = 0
  #inFlight = 0
  #extraInFlight = 0
  /** Extra attempts that have begun since the last one that the endpoint allows. */
  #extrasInARow = 0
  /** Requests that may be in flight at once: fewer than the endpoint allows while it fails. */
  #limit = Number.POSITIVE_INFINITY
  /** The attempt that had begun last when the limit was lowered. */
  #loweredAt = 0
  /** How long attempts take, as a moving average. */
  #attemptMs = 0

  /** @param isFresh - whether nothing was due when the lease was taken. */
  constructor({ endpointKey, epoch, tenantId }: TakenLease, leasedUntil: number, isFresh: boolean) {
    this.endpointKey = endpointKey
    this.epoch = epoch
    this.tenantId = tenantId
    this.buffer = new DeliveryBuffer(endpointKey, !isFresh)
    this.#leasedUntil = leasedUntil
    this.#isFresh = isFresh
  }

  // The lease.

  /** The lease was lost or released: nothing more begins. */
  get closed(): boolean {
    return this.#closed
  }

  /** Whether the lease has not expired. */
  get isHeld(): boolean {
    return !this.#closed && performance.now() < this.#leasedUntil
  }

  /** @param version - of the endpoint as it is stored: another process may have changed it. */
  extendLease(leasedUntil: number, version: number): void {
    this.#leasedUntil = leasedUntil
    if (this.#target && this.#target.version !== version) this.#target = undefined
  }

  close(): void {
    this.#closed = true
    this.buffer.close()
  }

  /** Whether it has nothing to do. */
  get isIdle(): boolean {
    return this.#target !== undefined && this.buffer.isEmpty
  }

  // How it is delivered to.

  /** Undefined until it is read, and again when the endpoint has changed. */
  get target(): DeliveryTarget | undefined {
    return this.#target
  }

  /** The endpoint may have changed: it is read again, also where a read is in progress. */
  forgetTarget(): void {
    this.#target = undefined
    this.#changes += 1
  }

  /** How often the endpoint may have changed: a read that began before the last of them is out of date. */
  get changes(): number {
    return this.#changes
  }

  /**
   * Continues from what is stored. What is in memory is newer, unless a person has reset it. The successor of a node that
   * died does not know what that had begun, and assumes that as many tokens of the rate limit are out.
   */
  load(target: DeliveryTarget, stored: StoredEndpointState, policy: CircuitPolicy, now: number): void {
    const { rateLimit, concurrency } = target
    const isNew = this.#circuit === undefined
    if (isNew || this.#resets !== stored.resets) {
      this.#circuit = createCircuitBreaker(stored, policy)
      this.#resets = stored.resets
      this.#storedChanges = 0
    }
    const before = this.#rate?.limit
    const isSameLimit = before?.limit === rateLimit?.limit && before?.perSeconds === rateLimit?.perSeconds
    if (isNew || !isSameLimit) {
      const unrecorded = stored.wasHandedBack ? 0 : concurrency.max * UNRECORDED_FACTOR
      const tokens = this.#rate?.stored(now) ?? stored.rate
      this.#rate = rateLimit && createRateLimiter(rateLimit, tokens, isNew ? unrecorded : this.#inFlight, now)
      const perSeconds = Math.max(EXTRA_SECONDS, rateLimit?.perSeconds ?? 0)
      this.#extras = createRateLimiter({ limit: EXTRA_ATTEMPTS, perSeconds }, null, 0, performance.now())
    }
    this.#target = target
    this.#isFresh = false
  }

  /** Whether the circuit is open: nothing begins but what people ask for. */
  isPaused(now: number): boolean {
    return now < (this.#circuit?.notBefore ?? 0)
  }

  /** Since when attempts have failed for reasons that may be the sender's; null while they do not. */
  get ownFaultsSince(): number | null {
    return this.#circuit?.ownFaultsSince ?? null
  }

  // What is read of it, and given to it.

  /** Whether it should be read now: the endpoint itself, or what is due of it. */
  needsMore(now: number): boolean {
    if (this.#closed || this.#isBeingDisabled) return false
    if (this.#target === undefined || this.buffer.wantsManual) return true
    return !this.isPaused(now) && this.buffer.needsDue(this.#bufferSize)
  }

  /** Whether a read of it should include what is due besides what people have asked for. */
  get wantsDue(): boolean {
    return (!this.#target && !this.#isFresh) || this.buffer.wantsDue
  }

  get #bufferSize(): number {
    return (this.#target?.concurrency.max ?? 1) * 2
  }

  /** Something may have become due, or was left. */
  expectMore(now: number, kinds?: ReadonlySet<DeliveryKind>): void {
    // What was read before a pause began may arrive after it: the queue tells when to continue.
    if (!this.#target || !this.isPaused(now)) this.buffer.expectMore(kinds)
  }

  /**
   * Takes what a read has found; of each kind, at most `limit` were read.
   *
   * @param mayAdd - whether it may add to what waits of a kind.
   */
  endRead(found: readonly DueDelivery[], limit: number, mayAdd: boolean, now: number): void {
    this.buffer.endRead(found, limit, mayAdd ? this.#bufferSize : 0)
    // A pause that began during the read: the queue tells when to read again.
    if (this.isPaused(now)) this.buffer.dropPrefetched()
  }

  /**
   * Takes a delivery that was just stored, so that it need not be read.
   *
   * @returns false where it has to be read.
   */
  give(delivery: DueDelivery, now: number): boolean {
    // Of those with an ordering key, the database knows which one is due.
    return delivery.orderingKey === null && this.#giveDue(delivery, now)
  }

  #giveDue(delivery: DueDelivery, now: number): boolean {
    return (
      !delivery.manual &&
      delivery.dueOn <= now &&
      this.#isReady &&
      !this.isPaused(now) &&
      this.buffer.give(delivery)
    )
  }

  /**
   * Takes a delivery that is not stored, unless something due was not read, many before it took too long, the database has
   * to keep a state for it, or its turn is not soon.
   */
  takeStraight(delivery: DueDelivery, now: number): boolean {
    const { concurrency, refusal } = this.#target ?? {}
    if (!this.#isReady || !concurrency || refusal || this.#rate) return false
    if (!this.#circuit?.isClosed || this.isPaused(now) || !this.isHeld) return false
    if (this.buffer.late > concurrency.max / 2) return false
    const waitMs = (this.buffer.waitingFirst * this.#attemptMs) / concurrency.max
    return waitMs <= LONGEST_STRAIGHT_WAIT_MS && this.buffer.give(delivery)
  }

  // Which attempt may begin.

  get #isReady(): boolean {
    return this.#target !== undefined && !this.#closed && !this.#isBeingDisabled
  }

  /** Whether people have asked for attempts that have not ended. */
  get isAskedFor(): boolean {
    return this.buffer.hasManual || this.#extraInFlight > 0
  }

  /** Whether an attempt may begin in its turn. */
  canStart(now: number): boolean {
    if (!this.#isWilling(now)) return false
    if (!this.#rate) return true
    // The successor of this node, if it dies, has to know how many requests were not recorded, at most.
    const max = (this.#target?.concurrency.max ?? 1) * UNRECORDED_FACTOR
    return this.buffer.begun - this.#extraInFlight < max && this.#rate.hasToken(now)
  }

  /** When an attempt may begin that waits only for a token; undefined for others. */
  nextTokenOn(now: number): number | undefined {
    return this.#isWilling(now) ? this.#rate?.nextTokenOn(now) : undefined
  }

  #isWilling(now: number): boolean {
    if (!this.#isReady || !this.#circuit || this.buffer.waiting === 0 || this.isPaused(now)) return false
    const max = this.#target?.concurrency.max ?? 1
    if (this.#circuit.isClosed) return this.#inFlight < Math.min(this.#limit, max)
    // What a person has asked for is the probe of a half-open circuit; many of them do not take the place of all others.
    if (this.#extraInFlight > 0 && this.#extrasInARow <= EXTRA_AT_ONCE) return false
    return this.#inFlight < 1
  }

  /** Whether an attempt that a person has asked for may begin beyond what the endpoint allows. */
  get canStartExtra(): boolean {
    if (!this.buffer.hasManual || this.#extraInFlight >= EXTRA_AT_ONCE || !this.#isReady) return false
    return this.#extras?.hasToken(performance.now()) ?? false
  }

  /** Milliseconds until there is a token for such an attempt; undefined when that depends on a request in flight. */
  get nextExtraInMs(): number | undefined {
    const now = performance.now()
    const next = this.#extras?.nextTokenOn(now)
    return next === undefined ? undefined : next - now
  }

  /** Whether attempts may begin under its lease. A target with an expired secret is forgotten: it must be read again. */
  mayBegin(now: number): boolean {
    if (performance.now() >= this.#leasedUntil) return false
    if (now >= (this.#target?.validUntil ?? 0)) this.#target = undefined
    return true
  }

  // Attempts, from their beginning to the record of their results.

  beginAttempt(kind: AttemptKind, now: number): AttemptInFlight {
    this.#begun += 1
    const limiter = kind === 'extra' ? this.#extras : this.#rate
    limiter?.take()
    if (kind === 'extra') {
      this.#extraInFlight += 1
      this.#extrasInARow += 1
    } else {
      this.#inFlight += 1
      this.#extrasInARow = 0
    }
    return { kind, begun: this.#begun, wasPaused: this.isPaused(now), limiter }
  }

  endAttempt({ kind, limiter }: AttemptInFlight, now: number): void {
    if (kind === 'extra') this.#extraInFlight -= 1
    else this.#inFlight -= 1
    limiter?.ended(kind === 'extra' ? performance.now() : now)
  }

  /**
   * Applies an outcome to the circuit breaker, and to how many requests may be in flight.
   *
   * @returns the notice for the host.
   */
  apply(
    outcome: Outcome,
    { begun, wasPaused }: AttemptInFlight,
    durationMs: number,
    now: number,
  ): EndpointNotice | null {
    const order = { begun, latest: this.#begun, wasPaused }
    const notice = this.#circuit?.note(outcome, order, now) ?? null
    if (notice?.kind === 'disabled') this.#isBeingDisabled = true
    this.#adaptLimit(outcome.isTrouble, order, durationMs)
    const difference = durationMs - this.#attemptMs
    this.#attemptMs += difference * (difference < 0 ? SHORTER_WEIGHT : LONGER_WEIGHT)
    return notice
  }

  /** One more for each fast response, half as many after trouble. Requests that were in flight together count once. */
  #adaptLimit(isTrouble: boolean, { begun, latest }: AttemptOrder, durationMs: number): void {
    const { min, max } = this.#target?.concurrency ?? { min: 1, max: this.#limit }
    this.#limit = Math.min(this.#limit, max)
    if (!isTrouble) {
      if (durationMs <= FAST_MS) this.#limit = Math.min(max, this.#limit + 1)
    } else if (begun > this.#loweredAt) {
      this.#limit = Math.max(min, Math.floor(this.#limit / 2))
      this.#loweredAt = latest
    }
  }

  /** @returns whether the result of an attempt that was sent straight is a success, and changes nothing else. */
  endStraightAttempt({ state, counted, notice }: AttemptResult, now: number): boolean {
    return state === 'succeeded' && counted && notice === null && !this.stateToStore(now)
  }

  /** What has to be stored of the endpoint; undefined when nothing has changed. */
  stateToStore(now: number): EndpointState | undefined {
    const circuit = this.#circuit
    const rate = this.#rate
    if (!circuit || (circuit.changes === this.#storedChanges && !rate)) return undefined
    const nextTokenOn = rate && !rate.hasToken(now) ? (rate.nextTokenOn(now) ?? 0) : 0
    return {
      endpointKey: this.endpointKey,
      epoch: this.epoch,
      resets: this.#resets,
      failingSince: circuit.failingSince,
      notBefore: Math.max(circuit.notBefore, nextTokenOn),
      details: circuit.details,
      rate: rate?.stored(now) ?? null,
      changes: circuit.changes,
    }
  }

  /**
   * A result is recorded.
   *
   * @param next - what its commit has made due in its ordering key.
   */
  recorded(result: AttemptResult, next: DueDelivery | undefined, now: number): void {
    const { messageKey, orderingKey, manual, state } = result
    this.buffer.forget(messageKey, orderingKey)
    // A person may have asked for it while its attempt was in flight.
    if (manual || state === 'pending') this.buffer.expectManual()
    const isNextKnown = next !== undefined && this.#giveDue(next, now)
    // Its successor is due, or what a person has asked for has ended the endpoint's pause.
    if (manual || (orderingKey !== null && !isNextKnown)) this.expectMore(now)
  }

  /** A state is recorded. If that fails, it is stored again, with what has changed since. */
  stateRecorded({ resets, changes, notBefore }: EndpointState, now: number, leaseMs: number): void {
    if (this.#resets === resets) this.#storedChanges = changes
    // The queue tells when to continue. For a token that comes soon, nothing is dropped.
    if (notBefore > now && (this.isPaused(now) || notBefore > now + leaseMs)) this.buffer.dropPrefetched()
  }
}
