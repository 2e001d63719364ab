import type { Clock, Logger } from '@x/events-core'
import type { DeliveryKey } from '../deliveries/delivery-row.ts'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import type { SecretCipher } from '../endpoints/cipher.ts'
import type { UrlRules } from '../endpoints/validate.ts'
import { tenantsInTurn } from '../fair-share.ts'
import type { DeliveryStore } from '../store/store.ts'
import { adoptState } from './adopt-state.ts'
import type { CircuitPolicy } from './circuit-breaker.ts'
import { loadTarget } from './delivery-target.ts'
import {
  bufferSize,
  dropBuffered,
  EXTRA_ATTEMPTS,
  isIdle,
  isPaused,
  type LeasedEndpoint,
  mustWait,
  remember,
  shelve,
  wantsManual,
} from './leased-endpoint.ts'

/** Reads what is due into endpoints. */
export interface Prefetch {
  readonly busy: boolean
  /** This endpoint wants its endpoint read, or more to do; it is seen to with the others that do. */
  feed(endpoint: LeasedEndpoint): void
  /** Resolves when what is being read is read. */
  settled(): Promise<void>
  start(): void
  stop(): Promise<void>
}

/** What {@link createPrefetch} works with. */
export interface PrefetchParts {
  readonly store: DeliveryStore
  readonly cipher: SecretCipher
  readonly urlRules: UrlRules
  readonly webhookOrigin: string | undefined
  readonly clock: Clock
  readonly logger: Logger
  readonly circuitPolicy: CircuitPolicy
  /** Called for each endpoint that has something to do. */
  filled(endpoint: LeasedEndpoint): void
  /** Called for a endpoint whose endpoint wants nothing any more. */
  ended(endpoint: LeasedEndpoint): void
}

const MAX_ENDPOINTS_AT_ONCE = 64
const MAX_ROWS_AT_ONCE = 512
const MAX_ROWS_OF_ONE = 128
const RETRY_MS = 250

/** One statement reads for all endpoints that wait, so that many endpoints cost little more than one. */
export function createPrefetch(parts: PrefetchParts): Prefetch {
  const { store, clock, logger, circuitPolicy, filled, ended } = parts
  const hungry = new Set<LeasedEndpoint>()
  let running = false
  let reading: Promise<void> | undefined

  async function readAll(): Promise<void> {
    // Later in this turn, so that endpoints that are fed in the same turn are read together.
    await Promise.resolve()
    while (running && hungry.size > 0) {
      const endpoints = tenantsInTurn(hungry, MAX_ENDPOINTS_AT_ONCE)
      for (const endpoint of endpoints) hungry.delete(endpoint)
      const startedAt = performance.now()
      try {
        const wanting = endpoints.filter(
          (endpoint) => (!endpoint.target && !endpoint.isFresh) || endpoint.moreFirst || endpoint.moreRetries,
        )
        await readTargets(endpoints)
        await readManual(endpoints.filter((endpoint) => isOpen(endpoint) && wantsManual(endpoint)))
        // Read before, and not begun, since the endpoint was not known when its turn came.
        for (const endpoint of endpoints) if (isOpen(endpoint) && endpoint.manual.length > 0) filled(endpoint)
        await readDue(wanting.filter((endpoint) => isOpen(endpoint) && isAwake(endpoint)))
        for (const endpoint of endpoints) endpoint.failingSince = undefined
      } catch (error) {
        logger.warn({ err: error }, 'Due deliveries could not be read; trying again')
        for (const endpoint of endpoints) {
          endpoint.failingSince ??= startedAt
          if (endpoint.closed) continue
          endpoint.moreFirst = true
          endpoint.moreRetries = true
          endpoint.moreManual = true
          hungry.add(endpoint)
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
    // In the same turn as the last check: what is fed in between would not be read.
    reading = undefined
  }

  async function readTargets(endpoints: readonly LeasedEndpoint[]): Promise<void> {
    for (const endpoint of endpoints) {
      if (endpoint.target || endpoint.closed) continue
      try {
        const stored = await store.readEndpointState(endpoint.endpointKey)
        const target = await loadTarget(endpoint.endpointKey, parts)
        if (target) adoptState(endpoint, target, stored, { policy: circuitPolicy, now: clock.now() })
        endpoint.target = target
        endpoint.isFresh = false
      } catch (error) {
        logger.error({ err: error, endpoint: endpoint.endpointKey }, 'An endpoint could not be read')
      }
      if (!endpoint.target) ended(endpoint)
    }
  }

  /** What people have asked for, although it may wait for its turn here, or the endpoint is paused. */
  async function readManual(endpoints: readonly LeasedEndpoint[]): Promise<void> {
    if (endpoints.length === 0) return
    const byKey = new Map(endpoints.map((endpoint) => [endpoint.endpointKey, endpoint]))
    for (const endpoint of endpoints) endpoint.moreManual = false
    const due = await store.manualDeliveries([...byKey.keys()], begunOf(endpoints), EXTRA_ATTEMPTS)
    for (const [endpoint, deliveries] of Map.groupBy(due, ({ endpointKey }) => byKey.get(endpointKey))) {
      if (!endpoint || endpoint.closed) continue
      for (const delivery of deliveries) {
        dropBuffered(endpoint, delivery.messageKey)
        if (endpoint.known.has(delivery.messageKey)) continue
        endpoint.manual.push(delivery)
        remember(endpoint, delivery)
      }
      if (deliveries.length === EXTRA_ATTEMPTS) endpoint.moreManual = true
      endpoint.busyAt = performance.now()
      filled(endpoint)
    }
  }

  /** Of an endpoint that is paused nothing else is read: the queue tells when to go on. */
  function isAwake(endpoint: LeasedEndpoint): boolean {
    if (!isPaused(endpoint, clock.now())) return true
    shelve(endpoint)
    return false
  }

  async function readDue(endpoints: readonly LeasedEndpoint[]): Promise<void> {
    if (endpoints.length === 0) return
    const byKey = new Map(endpoints.map((endpoint) => [endpoint.endpointKey, endpoint]))
    const limit = Math.min(MAX_ROWS_OF_ONE, Math.floor(MAX_ROWS_AT_ONCE / endpoints.length))
    for (const endpoint of endpoints) {
      endHolding(endpoint)
      endpoint.moreFirst = false
      endpoint.moreRetries = false
      endpoint.reading = true
    }
    let due: DueDelivery[]
    try {
      due = await store.nextDeliveries([...byKey.keys()], knownOf(endpoints), limit)
    } finally {
      for (const endpoint of endpoints) endpoint.reading = false
    }
    const counts = new Map<unknown, number>()
    for (const delivery of due) {
      const endpoint = byKey.get(delivery.endpointKey)
      if (!endpoint || endpoint.closed || endpoint.known.has(delivery.messageKey)) continue
      if (endpoint.heldBack.has(delivery.eventId)) {
        endpoint.missed = true
        continue
      }
      // Read again when the one before is recorded.
      if (mustWait(endpoint, delivery)) continue
      const buffer = delivery.attemptCount === 0 ? endpoint.first : endpoint.retries
      counts.set(buffer, (counts.get(buffer) ?? 0) + 1)
      // One kind may be full while the other is wanted: what does not fit is read again later.
      if (buffer.length >= limit + bufferSize(endpoint)) {
        if (buffer === endpoint.first) endpoint.moreFirst = true
        else endpoint.moreRetries = true
        continue
      }
      buffer.push(delivery)
      remember(endpoint, delivery)
    }
    for (const endpoint of endpoints) {
      if (!endHolding(endpoint) || !endpoint.missed) continue
      endpoint.missed = false
      endpoint.moreFirst = true
      endpoint.moreRetries = true
      filled(endpoint)
    }
    const now = clock.now()
    // A pause that began during the reading: the queue tells when to read again.
    const paused = new Set(endpoints.filter((endpoint) => isPaused(endpoint, now)))
    for (const endpoint of paused) shelve(endpoint)
    for (const endpoint of endpoints) {
      endpoint.busyAt = performance.now()
      if (paused.has(endpoint)) continue
      if (counts.get(endpoint.first) === limit) endpoint.moreFirst = true
      if (counts.get(endpoint.retries) === limit) endpoint.moreRetries = true
      if (endpoint.first.length + endpoint.retries.length > 0) filled(endpoint)
    }
    // Said to be due, and nothing is: deleted by hand, or by another program.
    const empty = endpoints.filter((endpoint) => isIdle(endpoint) && !paused.has(endpoint))
    if (empty.length > 0) await store.settleQueue(empty.map(({ endpointKey }) => endpointKey))
  }

  return {
    get busy() {
      return reading !== undefined || hungry.size > 0
    },
    feed(endpoint) {
      hungry.add(endpoint)
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

const isOpen = ({ target, closed }: LeasedEndpoint): boolean => target !== undefined && !closed

/** No read is under way any more that may find what was stored meanwhile. */
function endHolding({ heldBack, released }: LeasedEndpoint): boolean {
  if (released.length === 0) return false
  for (const eventId of released) heldBack.delete(eventId)
  released.length = 0
  return true
}

function knownOf(endpoints: readonly LeasedEndpoint[]): DeliveryKey[] {
  return endpoints.flatMap(({ endpointKey, known }) =>
    // What is sent straight is not in the database.
    [...known].flatMap((messageKey) => (messageKey < 0 ? [] : [{ endpointKey, messageKey }])),
  )
}

/** What is known and does not wait for its turn: under way, or not recorded yet, or asked for already. */
function begunOf(endpoints: readonly LeasedEndpoint[]): DeliveryKey[] {
  const waiting = endpoints.flatMap(({ first, retries }) => [...first, ...retries])
  const keyOf = ({ endpointKey, messageKey }: DeliveryKey) => `${endpointKey}:${messageKey}`
  const isWaiting = new Set(waiting.map(keyOf))
  return knownOf(endpoints).filter((key) => !isWaiting.has(keyOf(key)))
}
