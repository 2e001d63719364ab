import type { Clock, Logger } from '@x/events-core'
import { createPeriodic } from '@x/events-engine/internal'
import type { DueDelivery, FoundDelivery } from '../deliveries/due-delivery.ts'
import type { EndpointRow } from '../endpoints/fields.ts'
import { createFairShare, inTurn, tenantsInTurn } from '../fair-share.ts'
import type { SecretRow } from '../store/secrets.ts'
import type { CircuitPolicy } from './circuit-breaker.ts'
import { type DeliveryKind, KINDS, kindOf, MANUAL_AT_ONCE, MAX_BYTES_OF_KIND } from './delivery-buffer.ts'
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
/**
 * Bytes that wait in all buffers of this node, behind the next of each kind. Rows are no measure: a thousand endpoints whose
 * bodies are large would fill the memory of the process, and again after each restart. Tenants share them: one alone gets half.
 */
const MAX_BYTES_BEHIND = 64 * 1024 * 1024
/** Bytes of large bodies that are read at once; a single one may be larger. */
const MAX_BYTES_AT_ONCE = 16 * 1024 * 1024
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
    const found = await store.manualDeliveries(keysOf(endpoints), begun, MANUAL_AT_ONCE)
    const { deliveries, cutShort } = await readBodies(endpoints, found)
    for (const endpoint of endpoints) {
      endpoint.buffer.endManualRead(deliveries.get(endpoint.endpointKey) ?? [])
      if (cutShort.has(endpoint.endpointKey)) endpoint.buffer.expectManual()
    }
    attend(cutShortFirst(endpoints, cutShort))
  }

  /**
   * Reads the large bodies of what was found, as many as there is room for: the first of each endpoint and kind before the
   * second of any. Those of one message share its body.
   *
   * @param full - lines without room, of which no large body is read.
   */
  async function readBodies(
    endpoints: readonly LeasedEndpoint[],
    found: readonly FoundDelivery[],
    full?: ReadonlySet<string>,
  ): Promise<ReadDeliveries> {
    if (found.every(isComplete)) return { deliveries: byEndpoint(found), cutShort: new Map() }
    const { chosen, large, cutShort } = chooseBodies(endpoints, found, full)
    const messages = await store.readBodies(undefined, [...large])
    const bodies = new Map([...messages].map(([key, { body }]) => [key, Buffer.from(body)]))
    const complete = chosen.flatMap((one) => {
      if (isComplete(one)) return [one]
      // One whose message is gone was deleted meanwhile.
      const body = bodies.get(one.messageKey)
      return body ? [{ ...one, body }] : []
    })
    return { deliveries: byEndpoint(complete), cutShort }
  }

  /** Of an endpoint that is paused nothing else is read: the queue tells when to continue. */
  function isAwake(endpoint: LeasedEndpoint): boolean {
    if (!endpoint.isPaused(clock.now())) return true
    endpoint.buffer.dropPrefetched()
    return false
  }

  async function readDue(endpoints: readonly LeasedEndpoint[]): Promise<void> {
    const share = shareOfBytes()
    const roomy: LeasedEndpoint[] = []
    const starved: LeasedEndpoint[] = []
    for (const endpoint of endpoints) {
      if (share.hasRoom(endpoint.tenantId)) roomy.push(endpoint)
      else if (endpoint.buffer.isStarved) starved.push(endpoint)
      else endpoint.buffer.postpone()
    }
    await readDueOf(roomy, Math.min(MAX_ROWS_OF_ONE, Math.floor(MAX_ROWS_AT_ONCE / roomy.length)), true)
    // Without room, there is one of each kind.
    await readDueOf(starved, 1, false)
  }

  /** How the tenants share the bytes that may wait. */
  function shareOfBytes(): ReturnType<typeof createFairShare> {
    const share = createFairShare(MAX_BYTES_BEHIND)
    for (const { tenantId, buffer } of leases.endpoints.values()) {
      const { bytesBehind } = buffer
      if (bytesBehind > 0) share.take(tenantId, bytesBehind)
    }
    return share
  }

  /** @param mayAdd - whether what is found may add to what waits of a kind. */
  async function readDueOf(
    endpoints: readonly LeasedEndpoint[],
    limit: number,
    mayAdd: boolean,
  ): Promise<void> {
    if (endpoints.length === 0) return
    for (const endpoint of endpoints) endpoint.buffer.beginRead()
    const known = endpoints.flatMap((endpoint) => endpoint.buffer.knownKeys())
    const found = await store.nextDeliveries(keysOf(endpoints), known, limit)
    const { deliveries, cutShort } = await readBodies(endpoints, found, fullLines(endpoints))
    const now = clock.now()
    for (const endpoint of endpoints) {
      endpoint.endRead(deliveries.get(endpoint.endpointKey) ?? [], limit, mayAdd, now)
      // Of the other kind nothing was left: it would be read in vain, again and again.
      const left = cutShort.get(endpoint.endpointKey)
      if (left) endpoint.expectMore(now, left)
    }
    // The queue says that something is due, and nothing is: deleted by hand, or by another program.
    const empty = endpoints.filter((endpoint) => endpoint.isIdle && !endpoint.isPaused(now))
    attend(cutShortFirst(endpoints, cutShort))
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
const isComplete = (found: FoundDelivery): found is DueDelivery => Buffer.isBuffer(found.body)

function byEndpoint<TFound extends FoundDelivery>(found: readonly TFound[]): Map<number, TFound[]> {
  return Map.groupBy(found, ({ endpointKey }) => endpointKey)
}

/** What was read, with its bodies. */
interface ReadDeliveries {
  readonly deliveries: ReadonlyMap<number, readonly DueDelivery[]>
  /** By keys of endpoints: the kinds of which not all that was found is among them. */
  readonly cutShort: ReadonlyMap<number, ReadonlySet<DeliveryKind>>
}

/** Chooses which of the large bodies to read; nothing is taken that comes after one of its kind that is left. */
function chooseBodies(
  endpoints: readonly LeasedEndpoint[],
  found: readonly FoundDelivery[],
  full: ReadonlySet<string> = new Set(),
) {
  const chosen: FoundDelivery[] = []
  const large = new Set<number>()
  const cutShort = new Map<number, Set<DeliveryKind>>()
  const bytesOf = new Map<string, number>()
  let bytes = 0
  const ofEndpoints = byEndpoint(found)
  const inOrder = endpoints.flatMap(({ endpointKey }) =>
    (ofEndpoints.get(endpointKey) ?? []).toSorted(
      (one, other) => one.dueOn - other.dueOn || one.messageKey - other.messageKey,
    ),
  )
  for (const one of inTurn(inOrder, lineOf)) {
    const line = lineOf(one)
    const left = cutShort.get(one.endpointKey)
    const { length } = one.body
    const ofKind = bytesOf.get(line) ?? 0
    const isTooMuch =
      full.has(line) ||
      (bytes > 0 && bytes + length > MAX_BYTES_AT_ONCE) ||
      (ofKind > 0 && ofKind + length > MAX_BYTES_OF_KIND)
    if (left?.has(kindOf(one)) || (isTooMuch && !isComplete(one))) {
      cutShort.set(one.endpointKey, new Set(left).add(kindOf(one)))
      continue
    }
    chosen.push(one)
    if (isComplete(one)) continue
    bytesOf.set(line, ofKind + length)
    bytes += length
    large.add(one.messageKey)
  }
  return { chosen, large, cutShort }
}

/** What waits of one endpoint and kind is a line. */
const lineOf = (found: FoundDelivery) => nameOfLine(found.endpointKey, kindOf(found))
const nameOfLine = (endpointKey: number, kind: DeliveryKind) => `${endpointKey}:${kind}`

/** Finds the lines whose buffers are full. What is read for them is dropped, and would be read again at each look. */
function fullLines(endpoints: readonly LeasedEndpoint[]): Set<string> {
  return new Set(
    endpoints.flatMap(({ endpointKey, buffer }) =>
      KINDS.filter((kind) => buffer.isFull(kind)).map((kind) => nameOfLine(endpointKey, kind)),
    ),
  )
}

/** So that those that were cut short are the first to be read the next time: the same ones would be left out again. */
function cutShortFirst(
  endpoints: readonly LeasedEndpoint[],
  cutShort: ReadDeliveries['cutShort'],
): readonly LeasedEndpoint[] {
  if (cutShort.size === 0) return endpoints
  const isCut = ({ endpointKey }: LeasedEndpoint) => cutShort.has(endpointKey)
  return [...endpoints.filter(isCut), ...endpoints.filter((endpoint) => !isCut(endpoint))]
}
