import type { Clock, Logger } from '@x/events-core'
import type { AttemptResult, DeliveryStore, DueDelivery } from '../delivery-store.ts'
import type { SecretBox } from '../endpoints/secret-box.ts'
import type { HttpPools } from '../network/http-pools.ts'
import { type AttemptOutcome, createAttempts } from './attempts.ts'
import { createDueTimer } from './due-timer.ts'
import { createGroupCommit } from './group-commit.ts'
import { createInFlight } from './in-flight.ts'
import { adaptLimit, canStart, isHungry, isIdle, type Lane } from './lane.ts'
import { createLaneKeeper } from './lane-keeper.ts'
import { createLaneReader } from './lane-reader.ts'
import { createPoll } from './poll.ts'
import type { RetrySchedule } from './retry-schedule.ts'

/** What a worker works with. */
export interface WorkerParts {
  readonly store: DeliveryStore
  readonly box: SecretBox
  readonly pools: HttpPools
  readonly clock: Clock
  readonly logger: Logger
  readonly schedule: RetrySchedule
  readonly userAgent: string
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

/** Delivers what is due, to the endpoints that this node holds. */
export interface Worker {
  readonly counts: Readonly<WorkerCounts>
  readonly inFlight: number
  /** Whether nothing that was read is left, and nothing is being read. */
  readonly idle: boolean
  /** These endpoints have something due: now, or as soon as the transaction under way is committed. */
  due(endpointKeys: Iterable<number>): void
  /** An endpoint has changed: what is known of it counts no more. */
  changed(endpointKey: number): void
  /** Looks for work now. */
  look(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * Creates a worker. Its parts: the keeper holds leases, the reader reads what is due of them into
 * their lanes, and whenever there is room the next lane in turn begins its next attempt.
 */
export function createWorker(parts: WorkerParts): Worker {
  const { store, clock, logger, timeoutMs, maxInFlight, leaseMs, pollMaxMs, stopTimeoutMs } = parts
  const counts: WorkerCounts = { attempts: 0, succeeded: 0, failed: 0, exhausted: 0 }
  /** Lanes that can begin an attempt, in turn. */
  const ready = new Set<Lane>()
  let running = false

  const inFlight = createInFlight({ maxInFlight, timeoutMs, roomMade: beginAttempts })
  const commit = createGroupCommit({ store, logger, recorded })
  const keeper = createLaneKeeper({ store, logger, leaseMs, renewed: onRenewed })
  const reader = createLaneReader({ ...parts, filled: makeReady, ended: keeper.close })
  const poll = createPoll(look, pollMaxMs, logger)
  const timer = createDueTimer(clock, poll.now)
  const attempts = createAttempts({ ...parts, inFlight, ended: onAttempt })

  async function look(): Promise<boolean> {
    const taken = await keeper.takeDue()
    for (const lane of taken) reader.feed(lane)
    for (const endpointKey of await store.dueLeasedEndpoints()) {
      const lane = keeper.lanes.get(endpointKey)
      if (lane) wantMore(lane)
    }
    const next = await store.nextDueOn(clock.now())
    if (next !== undefined && running) timer.expect(next)
    return taken.length > 0
  }

  function wantMore(lane: Lane): void {
    lane.mayHaveMore = true
    if (isHungry(lane)) reader.feed(lane)
  }

  function makeReady(lane: Lane): void {
    if (canStart(lane)) ready.add(lane)
    beginAttempts()
  }

  function beginAttempts(): void {
    if (!running) return
    for (const lane of ready) {
      if (!inFlight.hasRoom() || commit.full) return
      ready.delete(lane)
      if (!canStart(lane) || performance.now() >= lane.leasedUntil) continue
      if (clock.now() >= (lane.target?.validUntil ?? 0)) {
        // One of its secrets has expired: the rest must sign.
        lane.target = undefined
        reader.feed(lane)
        continue
      }
      attempts.begin(lane, lane.buffer.shift() as DueDelivery)
      // To the end of the line, which this loop will come to as well.
      if (canStart(lane)) ready.add(lane)
    }
  }

  function onAttempt(lane: Lane, result: AttemptResult, { failing }: AttemptOutcome): void {
    counts.attempts += 1
    if (result.state === 'succeeded') counts.succeeded += 1
    else counts.failed += 1
    if (result.state === 'exhausted') counts.exhausted += 1
    adaptLimit(lane, failing)
    if (result.gone) lane.gone = true
    // The next of its lane begins once this is committed.
    commit.add(result, result.lane !== null)
    if (isHungry(lane)) reader.feed(lane)
    if (canStart(lane)) ready.add(lane)
    beginAttempts()
    if (inFlight.size === 0) commit.hurry()
  }

  function recorded(results: readonly AttemptResult[]): void {
    for (const { endpointKey, messageKey, epoch, dueOn, gone, lane: orderedBy } of results) {
      const lane = keeper.lanes.get(endpointKey)
      if (lane?.epoch === epoch) {
        lane.known.delete(messageKey)
        lane.busyAt = performance.now()
        if (gone) keeper.close(lane)
        else if (orderedBy !== null) wantMore(lane)
      }
      if (dueOn !== null && running) timer.expect(dueOn)
    }
    beginAttempts()
  }

  function onRenewed(): void {
    parts.pools.closeIdle()
    for (const lane of keeper.lanes.values()) {
      if (isHungry(lane)) reader.feed(lane)
      if (canStart(lane)) ready.add(lane)
    }
    beginAttempts()
  }

  return {
    counts,
    get inFlight() {
      return inFlight.size
    },
    get idle() {
      return !reader.busy && commit.waiting === 0 && [...keeper.lanes.values()].every(isIdle)
    },
    due(endpointKeys) {
      if (!running) return
      let allHeld = true
      for (const key of endpointKeys) {
        const lane = keeper.lanes.get(key)
        if (lane) wantMore(lane)
        else allHeld = false
      }
      if (!allHeld) poll.now()
    },
    changed(endpointKey) {
      const lane = keeper.lanes.get(endpointKey)
      if (lane) {
        lane.target = undefined
        reader.feed(lane)
      }
      if (running) poll.now()
    },
    look: () => poll.look(),
    async start() {
      Object.assign(counts, { attempts: 0, succeeded: 0, failed: 0, exhausted: 0 })
      await store.findDeadNodes()
      running = true
      reader.start()
      inFlight.start()
      keeper.start()
      poll.start()
    },
    async stop() {
      running = false
      timer.clear()
      await poll.stop()
      await reader.stop()
      await inFlight.settled(stopTimeoutMs)
      attempts.abandon()
      inFlight.stop()
      await commit.settled(stopTimeoutMs)
      await keeper.stop()
      ready.clear()
    },
  }
}
