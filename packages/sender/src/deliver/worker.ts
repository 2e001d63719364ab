import { createClockWatch } from '../clock.ts'
import type { AttemptResult, EndpointState } from '../deliveries/attempt-result.ts'
import type { DeliveryKey } from '../deliveries/delivery-row.ts'
import type { DueDelivery, StraightDelivery } from '../deliveries/due-delivery.ts'
import { createAttempts } from './attempt.ts'
import { createDueTimer } from './due-timer.ts'
import { handOver } from './hand-over.ts'
import { createInFlight } from './in-flight.ts'
import { createLeaseManager } from './lease-manager.ts'
import {
  canSendStraight,
  dropBuffered,
  forget,
  isHungry,
  isIdle,
  isPaused,
  type LeasedEndpoint,
  remember,
  shelve,
  stateToStore,
} from './leased-endpoint.ts'
import { createPoll } from './poll.ts'
import { createPrefetch } from './prefetch.ts'
import { createResultWriter } from './result-writer.ts'
import { createScheduler } from './scheduler.ts'
import type { WorkerParts } from './worker-parts.ts'

/** What a worker has done since it was started. */
export interface WorkerCounts {
  attempts: number
  succeeded: number
  failed: number
  exhausted: number
}

/** Delivers what is due, to the endpoints that this node holds. */
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
  /** One is recorded, or counts no more. */
  endStraight(delivery: StraightDelivery): void
  /** One was stored as pending, and is committed; it goes on like any other, with the result of its attempt if there is one. */
  storedStraight(delivery: StraightDelivery, messageKey: number, result: AttemptResult | undefined): void
  /**
   * The delivery of an event is about to be stored: where a read finds it before that is known here, it is left alone.
   *
   * @returns to be called once it is known.
   */
  holdBack(endpointKey: number, eventId: string): () => void
  /** An endpoint has changed: what is known of it counts no more. */
  changed(endpointKey: number): void
  /** Another process has changed endpoints. */
  othersChanged(): void
  /** Something of an endpoint was made due. */
  due(endpointKey: number): void
  /** A delivery was cancelled: unless its attempt is under way, none begins. */
  cancelled(key: DeliveryKey): void
  /** Looks for work now. */
  look(): Promise<void>
  /** There may be work: looks soon, unless stopped. */
  lookSoon(): void
  start(): Promise<void>
  /** @param before - what has to have ended before the leases are handed back. */
  stop(before?: Promise<unknown>): Promise<void>
}

/** Endpoints that take longer to be read than this are sent to when their deliveries are stored. */
const LONGEST_LEASING_MS = 100

/**
 * Creates a worker. Its parts: the leases holds leases, the prefetch reads what is due of them into
 * their endpoints, and whenever there is room the next endpoint in turn begins its next attempt.
 */
export function createWorker(parts: WorkerParts): Worker {
  const { store, clock, logger, tell, timeoutMs, maxInFlight, leaseMs, pollMaxMs, stopTimeoutMs } = parts
  const counts: WorkerCounts = { attempts: 0, succeeded: 0, failed: 0, exhausted: 0 }
  let running = false
  /** Lanes that were given something to send straight. */
  const toBegin = new Set<LeasedEndpoint>()

  const inFlight = createInFlight({ maxInFlight, timeoutMs, roomMade: () => scheduler.begin() })
  const writer = createResultWriter({ store, logger, statesOf, tell, recorded })
  const leases = createLeaseManager({ store, logger, leaseMs, isStuck, renewed: onRenewed })
  const prefetch = createPrefetch({ ...parts, filled, ended: leases.close })
  const watch = createClockWatch({ store, clock, logger, leaseMs })
  const poll = createPoll(look, pollMaxMs, logger)
  const timer = createDueTimer(clock, poll.now)
  const attempts = createAttempts({ ...parts, inFlight, ended: onAttempt })
  const scheduler = createScheduler({ clock, inFlight, writer, attempts, wanting: attend, wake: wakeAll })

  async function look(): Promise<boolean> {
    if (await watch.look()) for (const endpoint of leases.endpoints.values()) readAnew(endpoint)
    // From before the first question: what becomes due while it is asked is found by the next look.
    const since = clock.now()
    const taken = await leases.takeDue()
    for (const endpoint of taken) prefetch.feed(endpoint)
    for (const endpointKey of await store.dueLeasedEndpoints()) {
      const endpoint = leases.endpoints.get(endpointKey)
      // Due, in the midst of a pause: a person, maybe in another process, has ended that, or asked for an attempt.
      const isAskedFor = endpoint && (endpoint.manual.length > 0 || endpoint.extraInFlight > 0)
      if (endpoint && !isAskedFor && isPaused(endpoint, clock.now())) endpoint.target = undefined
      if (endpoint) lookAt(endpoint)
    }
    const next = await store.nextDueOn(since)
    if (next !== undefined && running) timer.expect(next)
    return taken.length > 0
  }

  /** What was read before times were changed counts no more, pauses included. */
  function readAnew(endpoint: LeasedEndpoint): void {
    shelve(endpoint)
    endpoint.target = undefined
    wantMore(endpoint)
  }

  function wantMore(endpoint: LeasedEndpoint): void {
    // What was read before a pause began may arrive after it: the queue tells when to go on.
    if (!endpoint.target || !isPaused(endpoint, clock.now())) {
      endpoint.moreFirst = true
      endpoint.moreRetries = true
    }
    attend(endpoint)
  }

  /** The same, and for what people have asked for, too. */
  function lookAt(endpoint: LeasedEndpoint): void {
    endpoint.moreManual = true
    wantMore(endpoint)
  }

  /** Reads on where there is room, and begins what can be begun. */
  function attend(endpoint: LeasedEndpoint): void {
    const now = clock.now()
    if (isHungry(endpoint, now)) prefetch.feed(endpoint)
    scheduler.offer(endpoint, now)
  }

  function filled(endpoint: LeasedEndpoint): void {
    attend(endpoint)
    scheduler.begin()
  }

  function wakeAll(): void {
    for (const endpoint of leases.endpoints.values()) attend(endpoint)
    scheduler.begin()
  }

  function onAttempt(endpoint: LeasedEndpoint, result: AttemptResult, delivery: DueDelivery): void {
    if (result.counted) {
      counts.attempts += 1
      if (result.state === 'succeeded') counts.succeeded += 1
      else counts.failed += 1
      if (result.state === 'exhausted') counts.exhausted += 1
    }
    if (result.notice?.kind === 'disabled') endpoint.gone = true
    // The next of its endpoint begins once this is committed.
    if (delivery.straight) {
      endpoint.straightMs = endpoint.straightMs * 0.9 + result.durationMs * 0.1
      delivery.straight.ended(result, isPlainSuccess(endpoint, result))
    } else {
      writer.add(result, result.orderingKey !== null || result.manual)
    }
    attend(endpoint)
    scheduler.begin()
    if (inFlight.size === 0) writer.hurry()
  }

  /** A success after which nothing is to be stored of the endpoint. */
  function isPlainSuccess(endpoint: LeasedEndpoint, { state, counted, notice }: AttemptResult): boolean {
    return state === 'succeeded' && counted && notice === null && !stateToStore(endpoint, clock.now())
  }

  function endpointsOf(results: readonly AttemptResult[]): Set<LeasedEndpoint> {
    const endpoints = new Set<LeasedEndpoint>()
    for (const { endpointKey, epoch } of results) {
      const endpoint = leases.endpoints.get(endpointKey)
      if (endpoint?.epoch === epoch) endpoints.add(endpoint)
    }
    return endpoints
  }

  function statesOf(results: readonly AttemptResult[]): EndpointState[] {
    const now = clock.now()
    return [...endpointsOf(results)].flatMap((endpoint) => stateToStore(endpoint, now) ?? [])
  }

  function recorded(results: readonly AttemptResult[], states: readonly EndpointState[]): void {
    const now = clock.now()
    const endpoints = endpointsOf(results)
    for (const { endpointKey, messageKey, epoch, state, dueOn, notice, manual, orderingKey } of results) {
      if (dueOn !== null && running) timer.expect(dueOn)
      const endpoint = leases.endpoints.get(endpointKey)
      if (!endpoint || endpoint.epoch !== epoch) continue
      forget(endpoint, messageKey, orderingKey)
      endpoint.busyAt = performance.now()
      if (notice?.kind === 'disabled') leases.close(endpoint)
      else {
        // A person may have asked for it while its attempt was under way.
        if (manual || state === 'pending') endpoint.moreManual = true
        // What a person had asked for may have ended the endpoint's pause.
        if (manual || orderingKey !== null) wantMore(endpoint)
      }
    }
    for (const { endpointKey, epoch, resets, notBefore, changes } of states) {
      const endpoint = leases.endpoints.get(endpointKey)
      if (!endpoint || endpoint.epoch !== epoch) continue
      // Only now: a commit that fails is tried again, with what has changed since.
      if (endpoint.resets === resets) endpoint.storedChanges = changes
      if (notBefore <= now) continue
      // The queue says when to go on; a short wait for a token is no reason to read again.
      if (running) timer.expect(notBefore)
      if ((endpoint.circuit?.notBefore ?? 0) > now || notBefore > now + leaseMs) shelve(endpoint)
    }
    for (const endpoint of endpoints) attend(endpoint)
    scheduler.begin()
  }

  /** The endpoint is read anew, too: its pause may have been ended. */
  function due(endpointKey: number): void {
    const endpoint = leases.endpoints.get(endpointKey)
    if (!endpoint) parts.wakeOthers()
    else {
      endpoint.target = undefined
      lookAt(endpoint)
    }
    poll.now()
  }

  /** The endpoint that a delivery is sent from, unless its lease has ended. */
  function endpointOf({ endpointKey, epoch }: StraightDelivery): LeasedEndpoint | undefined {
    const endpoint = leases.endpoints.get(endpointKey)
    return endpoint?.epoch === epoch ? endpoint : undefined
  }

  function isStuck({ endpointKey, failingSince = Number.POSITIVE_INFINITY }: LeasedEndpoint): boolean {
    return performance.now() - failingSince >= leaseMs || writer.isFailing(endpointKey, leaseMs)
  }

  function onRenewed(): void {
    parts.pools.closeIdle()
    wakeAll()
  }

  return {
    counts,
    get inFlight() {
      return inFlight.size
    },
    get idle() {
      return !prefetch.busy && writer.waiting === 0 && [...leases.endpoints.values()].every(isIdle)
    },
    stored(deliveries) {
      if (!running) return parts.wakeOthers()
      const { given, toRead, elsewhere } = handOver(deliveries, leases.endpoints, clock.now())
      for (const endpoint of toRead) wantMore(endpoint)
      for (const endpoint of given) attend(endpoint)
      scheduler.begin()
      if (!elsewhere) return
      poll.now()
      parts.wakeOthers()
    },
    async leaseIdle(endpointKeys) {
      if (!running) return
      const taken = await leases.takeIdle(endpointKeys)
      for (const endpoint of taken) prefetch.feed(endpoint)
      if (taken.length === 0) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const over = setTimeout(resolve, LONGEST_LEASING_MS)
      await Promise.race([prefetch.settled(), promise])
      clearTimeout(over)
    },
    takeStraight(delivery) {
      const endpoint = leases.endpoints.get(delivery.endpointKey)
      if (!running || !endpoint || !canSendStraight(endpoint, clock.now())) return false
      delivery.epoch = endpoint.epoch
      endpoint.first.push(delivery)
      remember(endpoint, delivery)
      toBegin.add(endpoint)
      return true
    },
    beginStraight() {
      const now = clock.now()
      for (const endpoint of toBegin) scheduler.offer(endpoint, now)
      toBegin.clear()
      scheduler.begin()
    },
    dropStraight(delivery) {
      const endpoint = endpointOf(delivery)
      if (endpoint) dropBuffered(endpoint, delivery.messageKey)
    },
    endStraight(delivery) {
      const endpoint = endpointOf(delivery)
      if (!endpoint) return
      forget(endpoint, delivery.messageKey, null)
      endpoint.busyAt = performance.now()
    },
    storedStraight(delivery, messageKey, result) {
      const endpoint = endpointOf(delivery)
      const isHere = endpoint?.known.has(delivery.messageKey) ?? false
      if (endpoint && isHere) {
        forget(endpoint, delivery.messageKey, null)
        endpoint.known.add(messageKey)
        endpoint.busyAt = performance.now()
      }
      delivery.messageKey = messageKey
      delivery.straight = undefined
      // Otherwise its endpoint is not leased here any more, or paused: the queue tells when it is due.
      if (!isHere) return poll.now()
      if (result) writer.add({ ...result, messageKey }, false)
    },
    holdBack(endpointKey, eventId) {
      const endpoint = leases.endpoints.get(endpointKey)
      endpoint?.heldBack.add(eventId)
      return () => {
        if (!endpoint || endpoint.closed) return
        if (endpoint.reading) endpoint.released.push(eventId)
        else endpoint.heldBack.delete(eventId)
        if (!endpoint.missed) return
        endpoint.missed = false
        wantMore(endpoint)
      }
    },
    changed(endpointKey) {
      if (!leases.endpoints.has(endpointKey)) parts.announceChange()
      due(endpointKey)
    },
    othersChanged() {
      leases.refresh()
      poll.now()
    },
    due,
    cancelled({ endpointKey, messageKey }) {
      const endpoint = leases.endpoints.get(endpointKey)
      if (!endpoint) return
      dropBuffered(endpoint, messageKey)
      wantMore(endpoint)
    },
    look: () => poll.look(),
    lookSoon: poll.now,
    async start() {
      Object.assign(counts, { attempts: 0, succeeded: 0, failed: 0, exhausted: 0 })
      await store.findDeadNodes()
      running = true
      scheduler.start()
      prefetch.start()
      inFlight.start()
      leases.start()
      poll.start()
    },
    async stop(before) {
      running = false
      timer.clear()
      scheduler.stop()
      await poll.stop()
      await prefetch.stop()
      await Promise.all([inFlight.settled(stopTimeoutMs), before])
      attempts.abandon()
      inFlight.stop()
      await writer.settled(stopTimeoutMs)
      await leases.stop()
    },
  }
}
