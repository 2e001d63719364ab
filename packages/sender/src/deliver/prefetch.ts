import type { Clock, Logger } from '@x/events-core'
import { createPeriodic } from '@x/events-engine/internal'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import type { EndpointRow } from '../endpoints/fields.ts'
import { tenantsInTurn } from '../fair-share.ts'
import type { SecretRow } from '../store/secrets.ts'
import type { CircuitPolicy } from './circuit-breaker.ts'
import { MANUAL_AT_ONCE } from './delivery-buffer.ts'
import { type DeliveryTarget, type TargetParts, targetOf } from './delivery-target.ts'
import type { LeaseManager } from './lease-manager.ts'
import type { LeasedEndpoint } from './leased-endpoint.ts'

/** Reads leased endpoints, and what is due of them, before its turn. */
export interface Prefetch {
  readonly busy: boolean
  /** Has an endpoint read soon, together with others. */
  feed(endpoint: LeasedEndpoint): void
  /** Has endpoints read soon, and resolves once each of them is known here, or its lease has ended. */
  load(endpoints: readonly LeasedEndpoint[]): Promise<void>
  start(): void
  stop(): Promise<void>
}

/** What {@link createPrefetch} needs. */
export interface PrefetchParts extends TargetParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly leases: LeaseManager
  readonly circuitPolicy: CircuitPolicy
  /** Called with endpoints that were read. */
  attend(endpoints: Iterable<LeasedEndpoint>): void
}

const MAX_ENDPOINTS_AT_ONCE = 64
const MAX_ROWS_AT_ONCE = 512
const MAX_ROWS_OF_ONE = 128
const RETRY_MS = 250

/** Creates the prefetch. One statement reads for all endpoints that wait, so that many cost little more than one. */
export function createPrefetch(parts: PrefetchParts): Prefetch {
  const { store, clock, logger, leases, circuitPolicy, attend } = parts
  const waiting = new Set<LeasedEndpoint>()
  let isReading = false
  let afterRead = Promise.withResolvers<void>()

  const loop = createPeriodic({
    run: readAll,
    failed: (error) => logger.error({ err: error }, 'Due deliveries could not be read'),
    firstAfterMs: Number.POSITIVE_INFINITY,
    everyMs: Number.POSITIVE_INFINITY,
  })

  async function readAll(signal: AbortSignal): Promise<void> {
    isReading = true
    // Later in this turn, so that endpoints that are fed in the same turn are read together.
    await undefined
    while (waiting.size > 0 && !signal.aborted) {
      const endpoints = tenantsInTurn(waiting, MAX_ENDPOINTS_AT_ONCE)
      for (const endpoint of endpoints) waiting.delete(endpoint)
      const startedAt = performance.now()
      try {
        const wanting = endpoints.filter(({ wantsDue }) => wantsDue)
        await readTargets(endpoints)
        afterRead.resolve()
        afterRead = Promise.withResolvers()
        await readManual(endpoints.filter((endpoint) => isOpen(endpoint) && endpoint.buffer.wantsManual))
        // Read before, and not begun, since the endpoint was not known when its turn came.
        attend(endpoints.filter((endpoint) => isOpen(endpoint) && endpoint.buffer.hasManual))
        await readDue(wanting.filter((endpoint) => isOpen(endpoint) && isAwake(endpoint)))
        for (const endpoint of endpoints) endpoint.buffer.readSucceeded()
      } catch (error) {
        logger.warn({ err: error }, 'Due deliveries could not be read; trying again')
        for (const endpoint of endpoints) {
          endpoint.buffer.readFailed(startedAt)
          if (!endpoint.closed) waiting.add(endpoint)
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
    isReading = false
  }

  /** Those that change meanwhile are read again. */
  async function readTargets(endpoints: readonly LeasedEndpoint[]): Promise<void> {
    for (let left = endpoints.filter(isUnread); left.length > 0; left = left.filter(isUnread)) {
      const changes = new Map(left.map((endpoint) => [endpoint, endpoint.changes]))
      const states = await store.readEndpointStates(keysOf(left))
      const rows = new Map((await store.readEndpoints(keysOf(left))).map((row) => [row.key, row]))
      const secrets = await store.readSecretsOf(keysOf(left), clock.now())
      for (const endpoint of left) {
        if (endpoint.changes !== changes.get(endpoint)) continue
        const { endpointKey } = endpoint
        const target = readableTarget(rows.get(endpointKey), secrets.get(endpointKey) ?? [])
        const state = states.get(endpointKey)
        // It was disabled or deleted, or cannot be sent to.
        if (!target || !state) leases.close(endpoint)
        else endpoint.load(target, state, circuitPolicy, clock.now())
      }
    }
  }

  function readableTarget(
    row: EndpointRow | undefined,
    secrets: readonly SecretRow[],
  ): DeliveryTarget | undefined {
    try {
      return row?.enabled ? targetOf(row, { secrets }, parts) : undefined
    } catch (error) {
      logger.error({ err: error, endpoint: row?.key }, 'An endpoint could not be read')
      return undefined
    }
  }

  /** What people have asked for, although it may wait for its turn here, or the endpoint is paused. */
  async function readManual(endpoints: readonly LeasedEndpoint[]): Promise<void> {
    if (endpoints.length === 0) return
    for (const endpoint of endpoints) endpoint.buffer.beginManualRead()
    const begun = endpoints.flatMap((endpoint) => endpoint.buffer.begunKeys())
    const found = byEndpoint(await store.manualDeliveries(keysOf(endpoints), begun, MANUAL_AT_ONCE))
    for (const endpoint of endpoints) endpoint.buffer.endManualRead(found.get(endpoint.endpointKey) ?? [])
    attend(endpoints)
  }

  /** Of an endpoint that is paused nothing else is read: the queue tells when to continue. */
  function isAwake(endpoint: LeasedEndpoint): boolean {
    if (!endpoint.isPaused(clock.now())) return true
    endpoint.buffer.dropPrefetched()
    return false
  }

  async function readDue(endpoints: readonly LeasedEndpoint[]): Promise<void> {
    if (endpoints.length === 0) return
    const limit = Math.min(MAX_ROWS_OF_ONE, Math.floor(MAX_ROWS_AT_ONCE / endpoints.length))
    for (const endpoint of endpoints) endpoint.buffer.beginRead()
    const known = endpoints.flatMap((endpoint) => endpoint.buffer.knownKeys())
    const found = byEndpoint(await store.nextDeliveries(keysOf(endpoints), known, limit))
    const now = clock.now()
    for (const endpoint of endpoints) endpoint.endRead(found.get(endpoint.endpointKey) ?? [], limit, now)
    // The queue says that something is due, and nothing is: deleted by hand, or by another program.
    const empty = endpoints.filter((endpoint) => endpoint.isIdle && !endpoint.isPaused(now))
    attend(endpoints)
    if (empty.length > 0) await store.settleQueue(keysOf(empty))
  }

  function feed(endpoint: LeasedEndpoint): void {
    waiting.add(endpoint)
    if (!isReading) void loop.now()
  }

  return {
    get busy() {
      return isReading || waiting.size > 0
    },
    feed,
    async load(endpoints) {
      for (const endpoint of endpoints) feed(endpoint)
      while (endpoints.some(isUnread)) await afterRead.promise
    },
    start: loop.start,
    async stop() {
      await loop.stop()
      waiting.clear()
    },
  }
}

const isUnread = ({ target, closed }: LeasedEndpoint): boolean => !target && !closed
const isOpen = ({ target, closed }: LeasedEndpoint): boolean => target !== undefined && !closed
const keysOf = (endpoints: readonly LeasedEndpoint[]) => endpoints.map(({ endpointKey }) => endpointKey)
const byEndpoint = (found: readonly DueDelivery[]) => Map.groupBy(found, ({ endpointKey }) => endpointKey)
