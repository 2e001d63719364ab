import type { Clock, Logger } from '@x/events-core'
import type { DeliveryKey } from '../deliveries/delivery-row.ts'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import type { SecretCipher } from '../endpoints/cipher.ts'
import type { UrlRules } from '../endpoints/validate.ts'
import { tenantsInTurn } from '../fair-share.ts'
import type { DeliveryStore } from '../store/store.ts'
import { adoptState } from './adopt-state.ts'
import { loadTarget } from './delivery-target.ts'
import type { HealthPolicy } from './endpoint-health.ts'
import {
  bufferSize,
  dropBuffered,
  EXTRA_ATTEMPTS,
  isIdle,
  isPaused,
  type Lane,
  mustWait,
  remember,
  shelve,
  wantsManual,
} from './lane.ts'

/** Reads what is due into lanes. */
export interface LaneReader {
  readonly busy: boolean
  /** This lane wants its endpoint read, or more to do; it is seen to with the others that do. */
  feed(lane: Lane): void
  /** Resolves when what is being read is read. */
  settled(): Promise<void>
  start(): void
  stop(): Promise<void>
}

/** What {@link createLaneReader} works with. */
export interface LaneReaderParts {
  readonly store: DeliveryStore
  readonly cipher: SecretCipher
  readonly urlRules: UrlRules
  readonly webhookOrigin: string | undefined
  readonly clock: Clock
  readonly logger: Logger
  readonly healthPolicy: HealthPolicy
  /** Called for each lane that has something to do. */
  filled(lane: Lane): void
  /** Called for a lane whose endpoint wants nothing any more. */
  ended(lane: Lane): void
}

const MAX_LANES_AT_ONCE = 64
const MAX_ROWS_AT_ONCE = 512
const MAX_ROWS_OF_ONE = 128
const RETRY_MS = 250

/** One statement reads for all lanes that wait, so that many endpoints cost little more than one. */
export function createLaneReader(parts: LaneReaderParts): LaneReader {
  const { store, clock, logger, healthPolicy, filled, ended } = parts
  const hungry = new Set<Lane>()
  let running = false
  let reading: Promise<void> | undefined

  async function readAll(): Promise<void> {
    // Later in this turn, so that lanes that are fed in the same turn are read together.
    await Promise.resolve()
    while (running && hungry.size > 0) {
      const lanes = tenantsInTurn(hungry, MAX_LANES_AT_ONCE)
      for (const lane of lanes) hungry.delete(lane)
      const startedAt = performance.now()
      try {
        const wanting = lanes.filter(
          (lane) => (!lane.target && !lane.isFresh) || lane.moreFirst || lane.moreRetries,
        )
        await readTargets(lanes)
        await readManual(lanes.filter((lane) => isOpen(lane) && wantsManual(lane)))
        // Read before, and not begun, since the endpoint was not known when its turn came.
        for (const lane of lanes) if (isOpen(lane) && lane.manual.length > 0) filled(lane)
        await readDue(wanting.filter((lane) => isOpen(lane) && isAwake(lane)))
        for (const lane of lanes) lane.failingSince = undefined
      } catch (error) {
        logger.warn({ err: error }, 'Due deliveries could not be read; trying again')
        for (const lane of lanes) {
          lane.failingSince ??= startedAt
          if (lane.closed) continue
          lane.moreFirst = true
          lane.moreRetries = true
          lane.moreManual = true
          hungry.add(lane)
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
    // In the same turn as the last check: what is fed in between would not be read.
    reading = undefined
  }

  async function readTargets(lanes: readonly Lane[]): Promise<void> {
    for (const lane of lanes) {
      if (lane.target || lane.closed) continue
      try {
        const stored = await store.readEndpointState(lane.endpointKey)
        const target = await loadTarget(lane.endpointKey, parts)
        if (target) adoptState(lane, target, stored, { policy: healthPolicy, now: clock.now() })
        lane.target = target
        lane.isFresh = false
      } catch (error) {
        logger.error({ err: error, endpoint: lane.endpointKey }, 'An endpoint could not be read')
      }
      if (!lane.target) ended(lane)
    }
  }

  /** What people have asked for, although it may wait for its turn here, or the endpoint is paused. */
  async function readManual(lanes: readonly Lane[]): Promise<void> {
    if (lanes.length === 0) return
    const byKey = new Map(lanes.map((lane) => [lane.endpointKey, lane]))
    for (const lane of lanes) lane.moreManual = false
    const due = await store.manualDeliveries([...byKey.keys()], begunOf(lanes), EXTRA_ATTEMPTS)
    for (const [lane, deliveries] of Map.groupBy(due, ({ endpointKey }) => byKey.get(endpointKey))) {
      if (!lane || lane.closed) continue
      for (const delivery of deliveries) {
        dropBuffered(lane, delivery.messageKey)
        if (lane.known.has(delivery.messageKey)) continue
        lane.manual.push(delivery)
        remember(lane, delivery)
      }
      if (deliveries.length === EXTRA_ATTEMPTS) lane.moreManual = true
      lane.busyAt = performance.now()
      filled(lane)
    }
  }

  /** Of an endpoint that is paused nothing else is read: the queue tells when to go on. */
  function isAwake(lane: Lane): boolean {
    if (!isPaused(lane, clock.now())) return true
    shelve(lane)
    return false
  }

  async function readDue(lanes: readonly Lane[]): Promise<void> {
    if (lanes.length === 0) return
    const byKey = new Map(lanes.map((lane) => [lane.endpointKey, lane]))
    const limit = Math.min(MAX_ROWS_OF_ONE, Math.floor(MAX_ROWS_AT_ONCE / lanes.length))
    for (const lane of lanes) {
      endHolding(lane)
      lane.moreFirst = false
      lane.moreRetries = false
      lane.reading = true
    }
    let due: DueDelivery[]
    try {
      due = await store.nextDeliveries([...byKey.keys()], knownOf(lanes), limit)
    } finally {
      for (const lane of lanes) lane.reading = false
    }
    const counts = new Map<unknown, number>()
    for (const delivery of due) {
      const lane = byKey.get(delivery.endpointKey)
      if (!lane || lane.closed || lane.known.has(delivery.messageKey)) continue
      if (lane.heldBack.has(delivery.eventId)) {
        lane.missed = true
        continue
      }
      // Read again when the one before is recorded.
      if (mustWait(lane, delivery)) continue
      const buffer = delivery.attemptCount === 0 ? lane.first : lane.retries
      counts.set(buffer, (counts.get(buffer) ?? 0) + 1)
      // One kind may be full while the other is wanted: what does not fit is read again later.
      if (buffer.length >= limit + bufferSize(lane)) {
        if (buffer === lane.first) lane.moreFirst = true
        else lane.moreRetries = true
        continue
      }
      buffer.push(delivery)
      remember(lane, delivery)
    }
    for (const lane of lanes) {
      if (!endHolding(lane) || !lane.missed) continue
      lane.missed = false
      lane.moreFirst = true
      lane.moreRetries = true
      filled(lane)
    }
    const now = clock.now()
    // A pause that began during the reading: the queue tells when to read again.
    const paused = new Set(lanes.filter((lane) => isPaused(lane, now)))
    for (const lane of paused) shelve(lane)
    for (const lane of lanes) {
      lane.busyAt = performance.now()
      if (paused.has(lane)) continue
      if (counts.get(lane.first) === limit) lane.moreFirst = true
      if (counts.get(lane.retries) === limit) lane.moreRetries = true
      if (lane.first.length + lane.retries.length > 0) filled(lane)
    }
    // Said to be due, and nothing is: deleted by hand, or by another program.
    const empty = lanes.filter((lane) => isIdle(lane) && !paused.has(lane))
    if (empty.length > 0) await store.settleQueue(empty.map(({ endpointKey }) => endpointKey))
  }

  return {
    get busy() {
      return reading !== undefined || hungry.size > 0
    },
    feed(lane) {
      hungry.add(lane)
      if (!running || reading) return
      reading = readAll()
    },
    async settled() {
      await reading
    },
    start() {
      running = true
    },
    async stop() {
      running = false
      await reading
      hungry.clear()
    },
  }
}

const isOpen = ({ target, closed }: Lane): boolean => target !== undefined && !closed

/** No read is under way any more that may find what was stored meanwhile. */
function endHolding({ heldBack, released }: Lane): boolean {
  if (released.length === 0) return false
  for (const eventId of released) heldBack.delete(eventId)
  released.length = 0
  return true
}

function knownOf(lanes: readonly Lane[]): DeliveryKey[] {
  return lanes.flatMap(({ endpointKey, known }) =>
    // What is sent straight is not in the database.
    [...known].flatMap((messageKey) => (messageKey < 0 ? [] : [{ endpointKey, messageKey }])),
  )
}

/** What is known and does not wait for its turn: under way, or not recorded yet, or asked for already. */
function begunOf(lanes: readonly Lane[]): DeliveryKey[] {
  const waiting = lanes.flatMap(({ first, retries }) => [...first, ...retries])
  const keyOf = ({ endpointKey, messageKey }: DeliveryKey) => `${endpointKey}:${messageKey}`
  const isWaiting = new Set(waiting.map(keyOf))
  return knownOf(lanes).filter((key) => !isWaiting.has(keyOf(key)))
}
