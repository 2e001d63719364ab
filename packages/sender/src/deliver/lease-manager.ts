import type { Logger } from '@x/events-core'
import { createFairShare } from '../fair-share.ts'
import type { EndpointLease, TakenLease } from '../store/leases.ts'
import type { DeliveryStore } from '../store/store.ts'
import { createLeasedEndpoint, isIdle, type LeasedEndpoint, shelve } from './leased-endpoint.ts'

/** Holds the leases of endpoints: takes them when something is due, extends them, hands them back. */
export interface LeaseManager {
  readonly endpoints: ReadonlyMap<number, LeasedEndpoint>
  /** Takes endpoints that are due and free. */
  takeDue(): Promise<readonly LeasedEndpoint[]>
  /** Takes some of these endpoints, where nothing is due of them. */
  takeIdle(endpointKeys: Iterable<number>): Promise<readonly LeasedEndpoint[]>
  /** Another process has changed endpoints: finds out which of those that are held here. */
  refresh(): void
  /** Ends a endpoint and hands its lease back. */
  close(endpoint: LeasedEndpoint): void
  start(): void
  stop(): Promise<void>
}

/** What {@link createLeaseManager} works with. */
export interface LeaseManagerParts {
  readonly store: DeliveryStore
  readonly logger: Logger
  readonly leaseMs: number
  /** Whether what is under way of an endpoint has failed for so long that another node should have it. */
  isStuck(endpoint: LeasedEndpoint): boolean
  /** Called when the leases were extended. */
  renewed(): void
}

// Tenants share them: one alone gets half.
const MAX_ENDPOINTS = 1_024
const MAX_TAKEN = 128
const REFUSED_MS = 1_000
const MAX_REFUSED = 10_000

/** Creates a leases that holds nothing. */
export function createLeaseManager({
  store,
  logger,
  leaseMs,
  isStuck,
  renewed,
}: LeaseManagerParts): LeaseManager {
  const endpoints = new Map<number, LeasedEndpoint>()
  const share = createFairShare(MAX_ENDPOINTS)
  /** Endpoints that were not to be had, by `performance.now()`: asked for again then. */
  const refusedUntil = new Map<number, number>()
  let orphans = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let working: Promise<void> = Promise.resolve()
  let refreshing = false
  let isRenewalQueued = false
  let wasStuck = false

  function open(lease: TakenLease, leasedUntil: number, isFresh: boolean): LeasedEndpoint {
    const before = endpoints.get(lease.endpointKey)
    if (before) forget(before)
    const endpoint = createLeasedEndpoint(lease, leasedUntil, isFresh)
    endpoints.set(endpoint.endpointKey, endpoint)
    share.take(endpoint.tenantId)
    return endpoint
  }

  function forget(endpoint: LeasedEndpoint): void {
    endpoint.closed = true
    shelve(endpoint)
    if (endpoints.get(endpoint.endpointKey) !== endpoint) return
    endpoints.delete(endpoint.endpointKey)
    share.release(endpoint.tenantId)
  }

  async function release(leases: readonly EndpointLease[]): Promise<void> {
    if (leases.length === 0) return
    try {
      await store.releaseLeases(leases)
    } catch (error) {
      logger.debug({ err: error }, 'Leases of endpoints could not be handed back; they will be found again')
    }
  }

  /** Gives up leases of endpoints that have had nothing to do for a while. */
  function closeIdle(idleMs: number, tenants?: ReadonlySet<number>): EndpointLease[] {
    const idleSince = performance.now() - idleMs
    const isOver = (endpoint: LeasedEndpoint) =>
      isIdle(endpoint) && endpoint.busyAt <= idleSince && (tenants?.has(endpoint.tenantId) ?? true)
    const idle = [...endpoints.values()].filter(isOver)
    for (const endpoint of idle) forget(endpoint)
    return idle
  }

  /** Tenants that hold their share of leases. */
  function satedTenants(): Set<number> {
    const tenants = new Set([...endpoints.values()].map(({ tenantId }) => tenantId))
    return new Set([...tenants].filter((tenantId) => !share.hasRoom(tenantId)))
  }

  async function renew(): Promise<void> {
    await store.findDeadNodes()
    await release(closeIdle(leaseMs))
    const startedAt = performance.now()
    const stuck = [...endpoints.values()].filter(isStuck)
    noteStuck(stuck)
    const asked = [...endpoints.values()].filter((endpoint) => !stuck.includes(endpoint))
    const except = stuck.map(({ endpointKey }) => endpointKey)
    const kept = new Map(
      (await store.renewLeases(leaseMs, except)).map((lease) => [lease.endpointKey, lease]),
    )
    for (const endpoint of asked) {
      const lease = kept.get(endpoint.endpointKey)
      if (lease?.epoch !== endpoint.epoch) {
        if (!endpoint.closed)
          logger.warn({ endpoint: endpoint.endpointKey }, 'The lease of an endpoint was lost')
        forget(endpoint)
        continue
      }
      endpoint.leasedUntil = startedAt + leaseMs
      // Another process has changed the endpoint.
      if (endpoint.target && endpoint.target.version !== lease.version) endpoint.target = undefined
    }
    await releaseOrphans([...kept.values()])
    renewed()
  }

  /** Their leases are left to end: whoever can work on them takes them; else they go on here. */
  function noteStuck(stuck: readonly LeasedEndpoint[]): void {
    const isNew = stuck.length > 0 && !wasStuck
    wasStuck = stuck.length > 0
    if (!isNew) return
    logger.warn(
      {
        component: 'worker',
        event: 'leases_not_extended',
        endpoints: stuck.length,
        remedy: 'See what is logged of the database before this: its connections, its locks, its disk.',
      },
      'What is under way for some endpoints cannot be read or recorded here; their leases are left to other nodes',
    )
  }

  function renewNext(): void {
    // What waits for a database that is away must not become a queue.
    if (isRenewalQueued) return
    isRenewalQueued = true
    working = working
      .then(() => {
        isRenewalQueued = false
        refreshing = false
        return renew()
      })
      .catch((error: unknown) => {
        logger.warn({ err: error }, 'The leases of endpoints could not be extended; trying again')
      })
  }

  /** A lease that has no endpoint twice in a row was taken, or not handed back, by a call that failed. */
  async function releaseOrphans(held: readonly EndpointLease[]): Promise<void> {
    const found = held.filter(({ endpointKey }) => !endpoints.has(endpointKey))
    const nameOf = ({ endpointKey, epoch }: EndpointLease) => `${endpointKey}:${epoch}`
    await release(found.filter((lease) => orphans.has(nameOf(lease))))
    orphans = new Set(found.map(nameOf))
  }

  return {
    endpoints,
    async takeDue() {
      const sated = satedTenants()
      if (sated.size > 0) await release(closeIdle(0, sated))
      const room = Math.min(MAX_TAKEN, MAX_ENDPOINTS - endpoints.size)
      if (room <= 0) return []
      const leasedUntil = performance.now() + leaseMs
      const taken = await store.leaseDueEndpoints(leaseMs, room, [...satedTenants()])
      return taken.map((lease) => open(lease, leasedUntil, false))
    },
    async takeIdle(endpointKeys) {
      const now = performance.now()
      const wanted = [...endpointKeys].filter(
        (key) => !endpoints.has(key) && (refusedUntil.get(key) ?? 0) <= now,
      )
      const room = Math.min(MAX_TAKEN, MAX_ENDPOINTS - endpoints.size)
      const asked = wanted.slice(0, Math.max(0, room))
      if (asked.length === 0) return []
      const leasedUntil = now + leaseMs
      const taken = await store.leaseIdleEndpoints(asked, leaseMs, [...satedTenants()])
      if (refusedUntil.size > MAX_REFUSED) refusedUntil.clear()
      for (const key of asked) refusedUntil.set(key, now + REFUSED_MS)
      return taken.map((lease) => {
        refusedUntil.delete(lease.endpointKey)
        return open(lease, leasedUntil, true)
      })
    },
    refresh() {
      if (refreshing || endpoints.size === 0) return
      refreshing = true
      renewNext()
    },
    close(endpoint) {
      if (endpoint.closed) return
      forget(endpoint)
      working = working.then(() => release([endpoint]))
    },
    start() {
      timer = setInterval(renewNext, leaseMs / 3)
    },
    async stop() {
      clearInterval(timer)
      await working
      const all = [...endpoints.values()]
      for (const endpoint of all) forget(endpoint)
      await release(all)
    },
  }
}
