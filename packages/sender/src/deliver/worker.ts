import type { Logger } from '@x/events-core'
import { createPeriodic, detached } from '@x/events-engine/internal'
import { createClockWatch, type SharedClock } from '../clock.ts'
import type { AttemptResult } from '../deliveries/attempt-result.ts'
import type { DeliveryKey } from '../deliveries/delivery-row.ts'
import type { DueDelivery, StraightDelivery } from '../deliveries/due-delivery.ts'
import { type AttemptsParts, createAttempts } from './attempt.ts'
import type { CircuitPolicy } from './circuit-breaker.ts'
import type { TargetParts } from './delivery-target.ts'
import { createLeaseManager } from './lease-manager.ts'
import type { LeasedEndpoint } from './leased-endpoint.ts'
import { createPrefetch } from './prefetch.ts'
import { createResultWriter, type ResultWriterParts } from './result-writer.ts'
import { createScheduler } from './scheduler.ts'
import { createSlots } from './slots.ts'

/** What a worker needs. */
export interface WorkerParts
  extends Omit<TargetParts, 'clock'>,
    Omit<AttemptsParts, 'clock' | 'slots' | 'ended'>,
    Pick<ResultWriterParts, 'raiseNotices' | 'committed'> {
  readonly clock: SharedClock
  readonly logger: Logger
  readonly circuitPolicy: CircuitPolicy
  /** Tells other nodes that something is due which this one may not deliver. */
  wakeOthers(): void
  /** Tells other nodes that an endpoint has changed, which one of them may hold. */
  announceChange(): void
  readonly timeoutMs: number
  readonly maxInFlight: number
  readonly leaseMs: number
  readonly pollMaxMs: number
  readonly stopTimeoutMs: number
}

/** What a worker has done since it was started. */
export interface WorkerCounts {
  attempts: number
  succeeded: number
  failed: number
  exhausted: number
}

/**
 * Delivers what is due, to the endpoints that this node leases. It works outside of the trace, and of any other
 * asynchronous context, of its callers: a delivery is no part of the request that has changed its endpoint.
 */
export interface Worker {
  readonly counts: Readonly<WorkerCounts>
  readonly inFlight: number
  /** Whether nothing that was read is left, and nothing is being read. */
  readonly idle: boolean
  /** These were stored, and are committed. */
  stored(deliveries: readonly DueDelivery[]): void
  /** Leases some of these endpoints, where nothing is due of them, so that they can be sent to straight. */
  leaseIdle(endpointKeys: ReadonlySet<number>): Promise<void>
  /** Takes a delivery that is not stored, where its endpoint can be sent to now; it begins by {@link Worker.beginStraight}. */
  takeStraight(delivery: StraightDelivery): boolean
  beginStraight(): void
  /** Drops one that has not begun. */
  dropStraight(delivery: StraightDelivery): void
  /** One is recorded, or was deleted. */
  endStraight(delivery: StraightDelivery): void
  /** One was stored as pending, and is committed; it goes on like any other, with the result of its attempt if there is one. */
  storedStraight(delivery: StraightDelivery, messageKey: number, result: AttemptResult | undefined): void
  /**
   * The delivery of an event is about to be stored: where a read finds it before that is known here, it is left out.
   *
   * @returns to be called once it is known.
   */
  holdBack(endpointKey: number, eventId: string): () => void
  /** An endpoint has changed: it is read again. */
  changed(endpointKey: number): void
  /** Another process has changed endpoints. */
  othersChanged(): void
  /** Something of an endpoint was made due. */
  due(endpointKey: number): void
  /** Whether an attempt of a delivery is in flight here. */
  isInFlight(key: DeliveryKey): boolean
  /** A delivery was cancelled: unless its attempt is in flight, none begins. */
  cancelled(key: DeliveryKey): void
  /** Looks for work now. */
  look(): Promise<void>
  /** There may be work: looks soon, unless stopped. */
  lookSoon(): void
  start(): Promise<void>
  /** @param before - what has to end before the leases are released. */
  stop(before?: Promise<unknown>): Promise<void>
}

/** Endpoints that take longer to be read than this are sent to when their deliveries are stored. */
const LONGEST_LEASING_MS = 100
const MAX_GIVEN_BYTES = 16 * 1024 * 1024
const SHORTEST_POLL_MS = 20
const POLL_BACK_OFF = 1.5
const LOOK_AGAIN_MS = 50
/** After an error, which may have hidden something. */
const POLL_RETRY_MS = 1_000
// Timers hold no more than 24 days: longer waits are done in parts.
const LONGEST_TIMER_MS = 60 * 60 * 1_000

/**
 * Creates a worker. Leases are taken by {@link look}, what is due of them is read by the prefetch, and the scheduler begins
 * an attempt whenever a slot is free; its result goes to the writer, which commits it and lets the endpoint continue.
 */
export function createWorker(parts: WorkerParts): Worker {
  const { store, clock, logger, timeoutMs, maxInFlight, leaseMs, pollMaxMs, stopTimeoutMs } = parts
  const counts: WorkerCounts = { attempts: 0, succeeded: 0, failed: 0, exhausted: 0 }
  /** Endpoints that were given something to send straight. */
  const toBegin = new Set<LeasedEndpoint>()

  const slots = createSlots({ maxInFlight, timeoutMs, logger, roomMade: () => attend([]) })
  const leases = createLeaseManager({ store, logger, leaseMs })
  const writer = createResultWriter({ ...parts, leases, expect, attend })
  const prefetch = createPrefetch({ ...parts, leases, attend })
  const attempts = createAttempts({ ...parts, slots, ended })
  const scheduler = createScheduler({ clock, logger, slots, prefetch, attempts, writer, wake: attendAll })

  // What is stored is true, and other processes write it too: what they tell only makes this quicker.
  const watch = createClockWatch({ store, clock, logger, leaseMs })
  let pollMs = SHORTEST_POLL_MS
  const poll = createPeriodic({
    async run() {
      pollMs = (await look()) ? SHORTEST_POLL_MS : Math.min(pollMs * POLL_BACK_OFF, pollMaxMs)
    },
    failed(error) {
      pollMs = Math.min(pollMaxMs, POLL_RETRY_MS)
      logger.warn({ err: error }, 'Due endpoints could not be looked for; trying again')
    },
    everyMs: () => pollMs,
  })
  const nextDue = createPeriodic({
    run: async () => lookSoon(),
    failed() {},
    firstAfterMs: Number.POSITIVE_INFINITY,
    everyMs: Number.POSITIVE_INFINITY,
    clock,
  })
  const renewal = createPeriodic({
    async run() {
      renewal.within(leaseMs / 3)
      await leases.renew(isStuck)
      parts.pools.closeIdle()
      attendAll()
    },
    failed(error) {
      logger.warn({ err: error }, 'The leases of endpoints could not be extended; trying again')
    },
    firstAfterMs: leaseMs / 3,
    everyMs: leaseMs / 3,
  })

  /** @returns whether there was work to take. */
  async function look(): Promise<boolean> {
    if (await watch.look()) for (const endpoint of leases.endpoints.values()) readAnew(endpoint)
    // From before the first question: what becomes due while it is asked is found by the next look.
    const since = clock.now()
    const taken = await leases.takeDue()
    for (const endpoint of taken) prefetch.feed(endpoint)
    const due = await store.dueLeasedEndpoints()
    for (const endpoint of due.flatMap((key) => leases.endpoints.get(key) ?? [])) {
      // Due during a pause: a person, maybe in another process, has ended that, or asked for an attempt.
      if (!endpoint.isAskedFor && endpoint.isPaused(clock.now())) endpoint.forgetTarget()
      endpoint.buffer.expectManual()
      expectMore(endpoint)
    }
    const next = await store.nextDueOn(since)
    // Each delivery in order is due by the commit of the one before, so that one has always become due by now.
    if (next !== undefined) expect(Math.max(next, since + LOOK_AGAIN_MS))
    return taken.length > 0
  }

  function lookSoon(): void {
    pollMs = SHORTEST_POLL_MS
    void poll.now()
  }

  /** Something will be due: looks again by then. */
  function expect(dueOn: number): void {
    nextDue.within(Math.min(LONGEST_TIMER_MS, Math.max(0, dueOn - clock.now())))
  }

  /** Times were changed: what was read before counts no more, pauses included. */
  function readAnew(endpoint: LeasedEndpoint): void {
    endpoint.buffer.dropPrefetched()
    endpoint.forgetTarget()
    expectMore(endpoint)
  }

  function expectMore(endpoint: LeasedEndpoint): void {
    endpoint.expectMore(clock.now())
    attend([endpoint])
  }

  function attend(endpoints: Iterable<LeasedEndpoint>): void {
    scheduler.attend(endpoints)
  }

  function attendAll(): void {
    attend(leases.endpoints.values())
  }

  function isStuck({ endpointKey, buffer }: LeasedEndpoint): boolean {
    return buffer.readFailsMs >= leaseMs || writer.isFailing(endpointKey, leaseMs)
  }

  /** An attempt has ended. The next of its ordering key begins once its result is committed. */
  function ended(endpoint: LeasedEndpoint, result: AttemptResult, delivery: DueDelivery): void {
    if (result.counted) {
      counts.attempts += 1
      if (result.state === 'succeeded') counts.succeeded += 1
      else counts.failed += 1
      if (result.state === 'exhausted') counts.exhausted += 1
    }
    const { straight } = delivery
    if (straight) straight.ended(result, endpoint.endStraightAttempt(result, clock.now()))
    // One that has begun while its endpoint was deleted, and is stored nowhere, has a key of its own.
    else if (result.messageKey > 0) writer.add(result, result.orderingKey !== null || result.manual)
    attend([endpoint])
    if (slots.inFlight === 0) writer.hurry()
  }

  /** Gives endpoints what was stored for them just now, so that it need not be read. */
  function give(deliveries: readonly DueDelivery[]): void {
    const now = clock.now()
    const given = new Set<LeasedEndpoint>()
    const toRead = new Set<LeasedEndpoint>()
    let isElsewhere = false
    let bytes = 0
    for (const endpoint of leases.endpoints.values()) bytes += endpoint.buffer.bytes
    for (const delivery of deliveries) {
      const endpoint = leases.endpoints.get(delivery.endpointKey)
      if (!endpoint) isElsewhere = true
      // What follows something that has to be read is read after it.
      else if (toRead.has(endpoint) || bytes >= MAX_GIVEN_BYTES || !endpoint.give(delivery, now)) {
        toRead.add(endpoint)
      } else {
        given.add(endpoint)
        bytes += delivery.body.length
      }
    }
    for (const endpoint of toRead) endpoint.expectMore(now)
    attend([...given, ...toRead])
    if (!isElsewhere) return
    lookSoon()
    parts.wakeOthers()
  }

  /** The endpoint is read again, too: a person may have ended its pause. */
  function due(endpointKey: number): void {
    const endpoint = leases.endpoints.get(endpointKey)
    if (!endpoint) parts.wakeOthers()
    else {
      endpoint.forgetTarget()
      endpoint.buffer.expectManual()
      expectMore(endpoint)
    }
    lookSoon()
  }

  async function leaseIdle(endpointKeys: ReadonlySet<number>): Promise<void> {
    if (!poll.running) return
    const taken = await leases.takeIdle(endpointKeys)
    if (taken.length === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const over = setTimeout(resolve, LONGEST_LEASING_MS)
    await Promise.race([prefetch.load(taken), promise])
    clearTimeout(over)
  }

  function storedStraight(
    delivery: StraightDelivery,
    messageKey: number,
    result: AttemptResult | undefined,
  ): void {
    const endpoint = leases.find(delivery)
    const isHere = endpoint?.buffer.storeStraight(delivery.messageKey, messageKey) ?? false
    delivery.messageKey = messageKey
    delivery.straight = undefined
    // Otherwise its endpoint is not leased here any more, or paused: the queue tells when it is due.
    if (!isHere) lookSoon()
    // It counts unless another node has leased the endpoint since.
    if (result && (isHere || !endpoint)) writer.add({ ...result, messageKey }, false)
  }

  return {
    counts,
    get inFlight() {
      return slots.inFlight
    },
    get idle() {
      const isIdle = [...leases.endpoints.values()].every((endpoint) => endpoint.isIdle)
      return isIdle && !prefetch.busy && writer.waiting === 0
    },
    stored(deliveries) {
      if (poll.running) detached(() => give(deliveries))
      else parts.wakeOthers()
    },
    leaseIdle: (endpointKeys) => detached(() => leaseIdle(endpointKeys)),
    takeStraight(delivery) {
      const endpoint = leases.endpoints.get(delivery.endpointKey)
      if (!poll.running || !endpoint?.takeStraight(delivery, clock.now())) return false
      delivery.epoch = endpoint.epoch
      toBegin.add(endpoint)
      return true
    },
    beginStraight() {
      const endpoints = [...toBegin]
      toBegin.clear()
      detached(() => attend(endpoints))
    },
    dropStraight: (delivery) => leases.find(delivery)?.buffer.drop(delivery.messageKey),
    endStraight: (delivery) => leases.find(delivery)?.buffer.forget(delivery.messageKey, null),
    storedStraight: (...stored) => detached(() => storedStraight(...stored)),
    holdBack(endpointKey, eventId) {
      const endpoint = leases.endpoints.get(endpointKey)
      endpoint?.buffer.holdBack(eventId)
      return () => {
        if (endpoint?.buffer.release(eventId)) detached(() => expectMore(endpoint))
      }
    },
    changed: (endpointKey) =>
      detached(() => {
        if (!leases.endpoints.has(endpointKey)) parts.announceChange()
        due(endpointKey)
      }),
    othersChanged() {
      if (leases.endpoints.size > 0) void renewal.now()
      lookSoon()
    },
    due: (endpointKey) => detached(() => due(endpointKey)),
    isInFlight: ({ endpointKey, messageKey }) =>
      leases.endpoints.get(endpointKey)?.buffer.hasBegun(messageKey) ?? false,
    cancelled: ({ endpointKey, messageKey }) =>
      detached(() => {
        const endpoint = leases.endpoints.get(endpointKey)
        if (!endpoint) return
        endpoint.buffer.drop(messageKey)
        expectMore(endpoint)
      }),
    look: poll.now,
    lookSoon,
    async start() {
      Object.assign(counts, { attempts: 0, succeeded: 0, failed: 0, exhausted: 0 })
      await detached(store.findDeadNodes)
      for (const one of [nextDue, scheduler, prefetch, writer, slots, renewal, poll]) one.start()
    },
    async stop(before) {
      const looked = poll.stop()
      void nextDue.stop()
      scheduler.stop()
      await looked
      await prefetch.stop()
      await Promise.all([slots.settled(stopTimeoutMs), before])
      attempts.abandon()
      slots.stop()
      await writer.settled(stopTimeoutMs)
      writer.stop()
      await renewal.stop()
      await leases.closeAll()
    },
  }
}
