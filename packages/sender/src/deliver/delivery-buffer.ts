import type { DeliveryKey } from '../deliveries/delivery-row.ts'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import { WaitingDeliveries } from './waiting-deliveries.ts'

/** What was never attempted, and what was: neither holds up the other. */
export type DeliveryKind = 'first' | 'retry'

export const KINDS: readonly DeliveryKind[] = ['first', 'retry']

/** The kind of a delivery, by the attempts that were made of it. */
export const kindOf = ({ attemptCount }: Pick<DueDelivery, 'attemptCount'>): DeliveryKind =>
  attemptCount === 0 ? 'first' : 'retry'

/** How many deliveries that people have asked for are read of an endpoint at once. */
export const MANUAL_AT_ONCE = 10

/** Of one kind, what takes more bytes is not read ahead: one endpoint does not use up the room of its tenant. */
export const MAX_BYTES_OF_KIND = 1024 * 1024

const RETRY_EVERY = 4
const MAX_GIVEN = 5_000

/**
 * The deliveries of a leased endpoint that this process knows: from the read until their results are recorded. It keeps
 * the kinds apart, and knows whether there may be more in the database.
 */
export class DeliveryBuffer {
  readonly #endpointKey: number
  #closed = false
  #busyAt = performance.now()

  // Not begun: deliveries that were never attempted, those that were, and those that people have asked for.
  readonly #first = new WaitingDeliveries()
  readonly #retries = new WaitingDeliveries()
  readonly #manual = new WaitingDeliveries()
  #turn = 0
  #wasManual = false
  /**
   * Messages that wait, are in flight, or are not recorded: a read leaves them out. Those that are sent straight are not
   * stored, and have negative keys.
   */
  readonly #known = new Set<number>()
  /** Those that were to be sent straight, and are stored since they took too long. */
  readonly #late = new Set<number>()
  /** The known message of each ordering key: a second one waits for its end. */
  readonly #ordered = new Map<string, number>()

  // Whether something may be due that was not read.
  #moreFirst: boolean
  #moreRetries: boolean
  #moreManual: boolean
  /** There was no room for what a read would bring: it is not tried again before something has changed. */
  #isPostponed = false
  #isReading = false
  #readFailsSince: number | undefined
  /** Events whose deliveries are being stored: a read that finds them leaves them out. */
  readonly #heldBack = new Set<string>()
  /** Those of them that were stored during a read, which may still find them. */
  readonly #released: string[] = []
  #hasLeftOut = false

  /** @param hasMore - whether something may be due. */
  constructor(endpointKey: number, hasMore: boolean) {
    this.#endpointKey = endpointKey
    this.#moreFirst = hasMore
    this.#moreRetries = hasMore
    this.#moreManual = hasMore
  }

  /** The lease has ended. */
  close(): void {
    this.#closed = true
    this.dropPrefetched()
  }

  /** Whether nothing that was read is left, and nothing is to be read. */
  get isEmpty(): boolean {
    return this.#known.size === 0 && !this.wantsDue && !this.#moreManual
  }

  /** By `performance.now()`: when it was used last. */
  get busyAt(): number {
    return this.#busyAt
  }

  // What waits.

  get waiting(): number {
    return this.#first.length + this.#retries.length + this.#manual.length
  }

  get hasManual(): boolean {
    return this.#manual.length > 0
  }

  /** Whether nothing waits but what people have asked for. */
  get hasManualOnly(): boolean {
    return this.#first.length + this.#retries.length === 0
  }

  /** Deliveries that are in flight, or not recorded. */
  get begun(): number {
    return this.#known.size - this.waiting
  }

  /** How many were to be sent straight, took too long, and are not recorded as done. */
  get late(): number {
    return this.#late.size
  }

  /** Whether its attempt is in flight, or not recorded. */
  hasBegun(messageKey: number): boolean {
    const lists = [this.#first, this.#retries, this.#manual]
    return this.#known.has(messageKey) && !lists.some((list) => list.has(messageKey))
  }

  get waitingFirst(): number {
    return this.#first.length
  }

  /** Bytes of the bodies that wait for their first attempt. */
  get bytes(): number {
    return this.#first.bytes
  }

  /** Bytes of the bodies that wait for their turn behind the next of their kind. */
  get bytesBehind(): number {
    return this.#first.bytesBehind + this.#retries.bytesBehind
  }

  /**
   * Takes what begins in its turn: every second time what people have asked for; first attempts before retries, which get
   * every fourth turn.
   *
   * @returns undefined where only retries wait, and none may begin.
   */
  next(mayRetry: boolean): DueDelivery | undefined {
    const [firsts, retries] = [this.#first.length, mayRetry ? this.#retries.length : 0]
    this.#wasManual = this.#manual.length > 0 && (firsts + retries === 0 || !this.#wasManual)
    if (this.#wasManual) return this.#manual.shift()
    const isRetryTurn = retries > 0 && (firsts === 0 || ++this.#turn % RETRY_EVERY === 0)
    return isRetryTurn ? this.#retries.shift() : this.#first.shift()
  }

  nextManual(): DueDelivery | undefined {
    return this.#manual.shift()
  }

  /** Drops a delivery, unless its attempt is in flight. */
  drop(messageKey: number): void {
    for (const waiting of [this.#first, this.#retries, this.#manual]) {
      const dropped = waiting.remove(messageKey)
      if (dropped) this.forget(messageKey, dropped.orderingKey)
    }
  }

  /** Drops what has not begun, except what people have asked for. */
  dropPrefetched(): void {
    for (const { messageKey, orderingKey } of [...this.#first, ...this.#retries]) {
      this.forget(messageKey, orderingKey)
    }
    this.#first.clear()
    this.#retries.clear()
    this.#moreFirst = false
    this.#moreRetries = false
  }

  /**
   * A delivery is recorded, or dropped.
   *
   * @returns whether it was known.
   */
  forget(messageKey: number, orderingKey: string | null): boolean {
    this.#busyAt = performance.now()
    this.#isPostponed = false
    const wasKnown = this.#known.delete(messageKey)
    this.#late.delete(messageKey)
    if (orderingKey !== null && this.#ordered.get(orderingKey) === messageKey) {
      this.#ordered.delete(orderingKey)
    }
    return wasKnown
  }

  #take(delivery: DueDelivery, waiting: WaitingDeliveries): void {
    const { orderingKey, messageKey, manual } = delivery
    waiting.push(delivery)
    this.#known.add(messageKey)
    // What a person has asked for is outside of the order.
    if (orderingKey !== null && !manual) this.#ordered.set(orderingKey, messageKey)
  }

  // What is read.

  /** Whether to read what is due, of a kind of which fewer than `size` wait, and not too many bytes. */
  needsDue(size: number): boolean {
    if (this.#isPostponed) return false
    const wantsFirst = this.#moreFirst && this.#first.hasRoom(size, MAX_BYTES_OF_KIND)
    return wantsFirst || (this.#moreRetries && this.#retries.hasRoom(size, MAX_BYTES_OF_KIND))
  }

  /** Whether the bodies that wait of a kind are so large that no more are read ahead. */
  isFull(kind: DeliveryKind): boolean {
    return (kind === 'first' ? this.#first : this.#retries).bytes >= MAX_BYTES_OF_KIND
  }

  /** Whether nothing has begun, and of a kind that may be due nothing waits: it stands still unless it is read. */
  get isStarved(): boolean {
    return this.begun === 0 && this.needsDue(1)
  }

  /** There is no room for what may be due: it is read once something of the endpoint has ended, or has become due. */
  postpone(): void {
    this.#isPostponed = true
  }

  get wantsDue(): boolean {
    return this.#moreFirst || this.#moreRetries
  }

  get wantsManual(): boolean {
    return this.#moreManual && this.#manual.length < MANUAL_AT_ONCE
  }

  /** Something may have become due, or was left: of these kinds, or of any. */
  expectMore(kinds?: ReadonlySet<DeliveryKind>): void {
    this.#isPostponed = false
    this.#moreFirst ||= kinds?.has('first') ?? true
    this.#moreRetries ||= kinds?.has('retry') ?? true
  }

  /** A person may have asked for something. */
  expectManual(): void {
    this.#moreManual = true
  }

  /** The known deliveries that are stored. */
  knownKeys(): DeliveryKey[] {
    const endpointKey = this.#endpointKey
    return [...this.#known].flatMap((messageKey) => (messageKey < 0 ? [] : [{ endpointKey, messageKey }]))
  }

  /** Those of them that do not wait for their turn: in flight, not recorded, or asked for. */
  begunKeys(): DeliveryKey[] {
    const waiting = new Set([...this.#first, ...this.#retries].map(({ messageKey }) => messageKey))
    return this.knownKeys().filter(({ messageKey }) => !waiting.has(messageKey))
  }

  beginManualRead(): void {
    this.#moreManual = false
  }

  /** Takes what a read has found that people have asked for. */
  endManualRead(found: readonly DueDelivery[]): void {
    if (this.#closed || found.length === 0) return
    for (const delivery of found) {
      this.drop(delivery.messageKey)
      if (!this.#known.has(delivery.messageKey)) this.#take(delivery, this.#manual)
    }
    if (found.length === MANUAL_AT_ONCE) this.#moreManual = true
    this.#busyAt = performance.now()
  }

  beginRead(): void {
    this.#endHolding()
    this.#moreFirst = false
    this.#moreRetries = false
    this.#isPostponed = false
    this.#isReading = true
  }

  /**
   * Takes what a read has found.
   *
   * @param limit - how many of each kind were read at most.
   * @param size - how many of each kind are kept beyond that.
   */
  endRead(found: readonly DueDelivery[], limit: number, size: number): void {
    this.#isReading = false
    this.#busyAt = performance.now()
    let [firsts, retries] = [0, 0]
    const full = new Set(KINDS.filter((kind) => this.isFull(kind)))
    for (const delivery of this.#closed ? [] : found) {
      if (this.#known.has(delivery.messageKey)) continue
      if (this.#heldBack.has(delivery.eventId)) {
        this.#hasLeftOut = true
        continue
      }
      // It is read again when its predecessor is recorded.
      if (this.#mustWait(delivery)) continue
      const kind = kindOf(delivery)
      const isFirst = kind === 'first'
      if (isFirst) firsts += 1
      else retries += 1
      const waiting = isFirst ? this.#first : this.#retries
      // One kind may be full while the other is wanted: what does not fit is read again later.
      if (waiting.length < limit + size && !full.has(kind)) this.#take(delivery, waiting)
      else if (isFirst) this.#moreFirst = true
      else this.#moreRetries = true
    }
    if (firsts === limit) this.#moreFirst = true
    if (retries === limit) this.#moreRetries = true
    if (!this.#endHolding() || !this.#hasLeftOut) return
    this.#hasLeftOut = false
    this.expectMore()
  }

  /** @param since - when the read that failed began, by `performance.now()`. */
  readFailed(since: number): void {
    this.#isReading = false
    this.#readFailsSince ??= since
    if (this.#closed) return
    this.expectMore()
    this.expectManual()
  }

  readSucceeded(): void {
    this.#readFailsSince = undefined
  }

  /** For how long reads have failed, in milliseconds; 0 while they do not. */
  get readFailsMs(): number {
    return this.#readFailsSince === undefined ? 0 : performance.now() - this.#readFailsSince
  }

  /** Whether another delivery of its ordering key has not ended here; a cancelled one may still be in flight. */
  #mustWait({ orderingKey, messageKey }: DueDelivery): boolean {
    return orderingKey !== null && (this.#ordered.get(orderingKey) ?? messageKey) !== messageKey
  }

  // What need not be read.

  /** Whether something may be in the database that comes before what is given now. */
  get mayHaveEarlier(): boolean {
    return this.#isReading || this.#moreFirst
  }

  /**
   * Takes a delivery that was just stored, or is sent straight, behind everything that is known.
   *
   * @returns false where it has to be read instead.
   */
  give(delivery: DueDelivery): boolean {
    if (this.mayHaveEarlier || this.#first.length >= MAX_GIVEN) return false
    if (this.#known.has(delivery.messageKey)) return false
    this.#take(delivery, this.#first)
    return true
  }

  /**
   * One that was sent straight is stored, and has another key now.
   *
   * @returns false for one that was dropped meanwhile.
   */
  storeStraight(messageKey: number, storedKey: number): boolean {
    if (!this.forget(messageKey, null)) return false
    this.#known.add(storedKey)
    this.#late.add(storedKey)
    return true
  }

  /**
   * The delivery of an event is about to be stored: where a read finds it before its transaction is known to be
   * committed, it is left out.
   */
  holdBack(eventId: string): void {
    this.#heldBack.add(eventId)
  }

  /** @returns whether a read has left something out, so that another one is needed. */
  release(eventId: string): boolean {
    if (this.#closed) return false
    if (this.#isReading) this.#released.push(eventId)
    else this.#heldBack.delete(eventId)
    const hasLeftOut = this.#hasLeftOut
    this.#hasLeftOut = false
    return hasLeftOut
  }

  /** No read is in progress any more that may find what was stored meanwhile. */
  #endHolding(): boolean {
    if (this.#released.length === 0) return false
    for (const eventId of this.#released) this.#heldBack.delete(eventId)
    this.#released.length = 0
    return true
  }
}
