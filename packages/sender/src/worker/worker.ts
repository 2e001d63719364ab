import { createClockWatch } from '../clock.ts'
import type { AttemptResult, EndpointState } from '../deliveries/attempt-result.ts'
import type { DeliveryKey } from '../deliveries/delivery-row.ts'
import type { DueDelivery, StraightDelivery } from '../deliveries/due-delivery.ts'
import { createAttempts } from './attempts.ts'
import { createDueTimer } from './due-timer.ts'
import { createGroupCommit } from './group-commit.ts'
import { handOver } from './hand-over.ts'
import { createInFlight } from './in-flight.ts'
import {
  canSendStraight,
  dropBuffered,
  forget,
  isHungry,
  isIdle,
  isPaused,
  type Lane,
  remember,
  shelve,
  stateToStore,
} from './lane.ts'
import { createLaneKeeper } from './lane-keeper.ts'
import { createLaneReader } from './lane-reader.ts'
import { createPoll } from './poll.ts'
import { createTurns } from './turns.ts'
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
 * Creates a worker. Its parts: the keeper holds leases, the reader reads what is due of them into
 * their lanes, and whenever there is room the next lane in turn begins its next attempt.
 */
export function createWorker(parts: WorkerParts): Worker {
  const { store, clock, logger, tell, timeoutMs, maxInFlight, leaseMs, pollMaxMs, stopTimeoutMs } = parts
  const counts: WorkerCounts = { attempts: 0, succeeded: 0, failed: 0, exhausted: 0 }
  let running = false
  /** Lanes that were given something to send straight. */
  const toBegin = new Set<Lane>()

  const inFlight = createInFlight({ maxInFlight, timeoutMs, roomMade: () => turns.begin() })
  const commit = createGroupCommit({ store, logger, statesOf, tell, recorded })
  const keeper = createLaneKeeper({ store, logger, leaseMs, isStuck, renewed: onRenewed })
  const reader = createLaneReader({ ...parts, filled, ended: keeper.close })
  const watch = createClockWatch({ store, clock, logger, leaseMs })
  const poll = createPoll(look, pollMaxMs, logger)
  const timer = createDueTimer(clock, poll.now)
  const attempts = createAttempts({ ...parts, inFlight, ended: onAttempt })
  const turns = createTurns({ clock, inFlight, commit, attempts, wanting: attend, wake: wakeAll })

  async function look(): Promise<boolean> {
    if (await watch.look()) for (const lane of keeper.lanes.values()) readAnew(lane)
    // From before the first question: what becomes due while it is asked is found by the next look.
    const since = clock.now()
    const taken = await keeper.takeDue()
    for (const lane of taken) reader.feed(lane)
    for (const endpointKey of await store.dueLeasedEndpoints()) {
      const lane = keeper.lanes.get(endpointKey)
      // Due, in the midst of a pause: a person, maybe in another process, has ended that, or asked for an attempt.
      const isAskedFor = lane && (lane.manual.length > 0 || lane.extraInFlight > 0)
      if (lane && !isAskedFor && isPaused(lane, clock.now())) lane.target = undefined
      if (lane) lookAt(lane)
    }
    const next = await store.nextDueOn(since)
    if (next !== undefined && running) timer.expect(next)
    return taken.length > 0
  }

  /** What was read before times were changed counts no more, pauses included. */
  function readAnew(lane: Lane): void {
    shelve(lane)
    lane.target = undefined
    wantMore(lane)
  }

  function wantMore(lane: Lane): void {
    // What was read before a pause began may arrive after it: the queue tells when to go on.
    if (!lane.target || !isPaused(lane, clock.now())) {
      lane.moreFirst = true
      lane.moreRetries = true
    }
    attend(lane)
  }

  /** The same, and for what people have asked for, too. */
  function lookAt(lane: Lane): void {
    lane.moreManual = true
    wantMore(lane)
  }

  /** Reads on where there is room, and begins what can be begun. */
  function attend(lane: Lane): void {
    const now = clock.now()
    if (isHungry(lane, now)) reader.feed(lane)
    turns.offer(lane, now)
  }

  function filled(lane: Lane): void {
    attend(lane)
    turns.begin()
  }

  function wakeAll(): void {
    for (const lane of keeper.lanes.values()) attend(lane)
    turns.begin()
  }

  function onAttempt(lane: Lane, result: AttemptResult, delivery: DueDelivery): void {
    if (result.counted) {
      counts.attempts += 1
      if (result.state === 'succeeded') counts.succeeded += 1
      else counts.failed += 1
      if (result.state === 'exhausted') counts.exhausted += 1
    }
    if (result.notice?.kind === 'disabled') lane.gone = true
    // The next of its lane begins once this is committed.
    if (delivery.straight) {
      lane.straightMs = lane.straightMs * 0.9 + result.durationMs * 0.1
      delivery.straight.ended(result, isPlainSuccess(lane, result))
    } else {
      commit.add(result, result.orderingKey !== null || result.manual)
    }
    attend(lane)
    turns.begin()
    if (inFlight.size === 0) commit.hurry()
  }

  /** A success after which nothing is to be stored of the endpoint. */
  function isPlainSuccess(lane: Lane, { state, counted, notice }: AttemptResult): boolean {
    return state === 'succeeded' && counted && notice === null && !stateToStore(lane, clock.now())
  }

  function lanesOf(results: readonly AttemptResult[]): Set<Lane> {
    const lanes = new Set<Lane>()
    for (const { endpointKey, epoch } of results) {
      const lane = keeper.lanes.get(endpointKey)
      if (lane?.epoch === epoch) lanes.add(lane)
    }
    return lanes
  }

  function statesOf(results: readonly AttemptResult[]): EndpointState[] {
    const now = clock.now()
    return [...lanesOf(results)].flatMap((lane) => stateToStore(lane, now) ?? [])
  }

  function recorded(results: readonly AttemptResult[], states: readonly EndpointState[]): void {
    const now = clock.now()
    const lanes = lanesOf(results)
    for (const { endpointKey, messageKey, epoch, state, dueOn, notice, manual, orderingKey } of results) {
      if (dueOn !== null && running) timer.expect(dueOn)
      const lane = keeper.lanes.get(endpointKey)
      if (!lane || lane.epoch !== epoch) continue
      forget(lane, messageKey, orderingKey)
      lane.busyAt = performance.now()
      if (notice?.kind === 'disabled') keeper.close(lane)
      else {
        // A person may have asked for it while its attempt was under way.
        if (manual || state === 'pending') lane.moreManual = true
        // What a person had asked for may have ended the endpoint's pause.
        if (manual || orderingKey !== null) wantMore(lane)
      }
    }
    for (const { endpointKey, epoch, resets, notBefore, changes } of states) {
      const lane = keeper.lanes.get(endpointKey)
      if (!lane || lane.epoch !== epoch) continue
      // Only now: a commit that fails is tried again, with what has changed since.
      if (lane.resets === resets) lane.storedChanges = changes
      if (notBefore <= now) continue
      // The queue says when to go on; a short wait for a token is no reason to read again.
      if (running) timer.expect(notBefore)
      if ((lane.health?.notBefore ?? 0) > now || notBefore > now + leaseMs) shelve(lane)
    }
    for (const lane of lanes) attend(lane)
    turns.begin()
  }

  /** The endpoint is read anew, too: its pause may have been ended. */
  function due(endpointKey: number): void {
    const lane = keeper.lanes.get(endpointKey)
    if (!lane) parts.wakeOthers()
    else {
      lane.target = undefined
      lookAt(lane)
    }
    poll.now()
  }

  /** The lane that a delivery is sent from, unless its lease has ended. */
  function laneOf({ endpointKey, epoch }: StraightDelivery): Lane | undefined {
    const lane = keeper.lanes.get(endpointKey)
    return lane?.epoch === epoch ? lane : undefined
  }

  function isStuck({ endpointKey, failingSince = Number.POSITIVE_INFINITY }: Lane): boolean {
    return performance.now() - failingSince >= leaseMs || commit.isFailing(endpointKey, leaseMs)
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
      return !reader.busy && commit.waiting === 0 && [...keeper.lanes.values()].every(isIdle)
    },
    stored(deliveries) {
      if (!running) return parts.wakeOthers()
      const { given, toRead, elsewhere } = handOver(deliveries, keeper.lanes, clock.now())
      for (const lane of toRead) wantMore(lane)
      for (const lane of given) attend(lane)
      turns.begin()
      if (!elsewhere) return
      poll.now()
      parts.wakeOthers()
    },
    async leaseIdle(endpointKeys) {
      if (!running) return
      const taken = await keeper.takeIdle(endpointKeys)
      for (const lane of taken) reader.feed(lane)
      if (taken.length === 0) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const over = setTimeout(resolve, LONGEST_LEASING_MS)
      await Promise.race([reader.settled(), promise])
      clearTimeout(over)
    },
    takeStraight(delivery) {
      const lane = keeper.lanes.get(delivery.endpointKey)
      if (!running || !lane || !canSendStraight(lane, clock.now())) return false
      delivery.epoch = lane.epoch
      lane.first.push(delivery)
      remember(lane, delivery)
      toBegin.add(lane)
      return true
    },
    beginStraight() {
      const now = clock.now()
      for (const lane of toBegin) turns.offer(lane, now)
      toBegin.clear()
      turns.begin()
    },
    dropStraight(delivery) {
      const lane = laneOf(delivery)
      if (lane) dropBuffered(lane, delivery.messageKey)
    },
    endStraight(delivery) {
      const lane = laneOf(delivery)
      if (!lane) return
      forget(lane, delivery.messageKey, null)
      lane.busyAt = performance.now()
    },
    storedStraight(delivery, messageKey, result) {
      const lane = laneOf(delivery)
      const isHere = lane?.known.has(delivery.messageKey) ?? false
      if (lane && isHere) {
        forget(lane, delivery.messageKey, null)
        lane.known.add(messageKey)
        lane.busyAt = performance.now()
      }
      delivery.messageKey = messageKey
      delivery.straight = undefined
      // Otherwise its endpoint is not leased here any more, or paused: the queue tells when it is due.
      if (!isHere) return poll.now()
      if (result) commit.add({ ...result, messageKey }, false)
    },
    holdBack(endpointKey, eventId) {
      const lane = keeper.lanes.get(endpointKey)
      lane?.heldBack.add(eventId)
      return () => {
        if (!lane || lane.closed) return
        if (lane.reading) lane.released.push(eventId)
        else lane.heldBack.delete(eventId)
        if (!lane.missed) return
        lane.missed = false
        wantMore(lane)
      }
    },
    changed(endpointKey) {
      if (!keeper.lanes.has(endpointKey)) parts.tellOthers()
      due(endpointKey)
    },
    othersChanged() {
      keeper.refresh()
      poll.now()
    },
    due,
    cancelled({ endpointKey, messageKey }) {
      const lane = keeper.lanes.get(endpointKey)
      if (!lane) return
      dropBuffered(lane, messageKey)
      wantMore(lane)
    },
    look: () => poll.look(),
    lookSoon: poll.now,
    async start() {
      Object.assign(counts, { attempts: 0, succeeded: 0, failed: 0, exhausted: 0 })
      await store.findDeadNodes()
      running = true
      turns.start()
      reader.start()
      inFlight.start()
      keeper.start()
      poll.start()
    },
    async stop(before) {
      running = false
      timer.clear()
      turns.stop()
      await poll.stop()
      await reader.stop()
      await Promise.all([inFlight.settled(stopTimeoutMs), before])
      attempts.abandon()
      inFlight.stop()
      await commit.settled(stopTimeoutMs)
      await keeper.stop()
    },
  }
}
