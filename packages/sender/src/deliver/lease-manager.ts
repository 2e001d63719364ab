import type { Logger } from '@x/events-core'
import { createFairShare } from '../fair-share.ts'
import type { EndpointLease, TakenLease } from '../store/leases.ts'
import type { DeliveryStore } from '../store/store.ts'
import { LeasedEndpoint } from './leased-endpoint.ts'

/** Holds the leases of endpoints. */
export interface LeaseManager {
  readonly endpoints: ReadonlyMap<number, LeasedEndpoint>
  /** The endpoint of a lease, unless that has ended. */
  find(lease: EndpointLease): LeasedEndpoint | undefined
  /** Takes endpoints that are due and free. */
  takeDue(): Promise<readonly LeasedEndpoint[]>
  /** Takes some of these endpoints, where nothing is due of them. */
  takeIdle(endpointKeys: Iterable<number>): Promise<readonly LeasedEndpoint[]>
  /**
   * Extends the leases, and finds out which endpoints another process has changed. Those of endpoints that were idle are
   * released.
   *
   * @param isStuck - whether the work of an endpoint has failed here for so long that another node should have it: its
   *   lease is left to expire.
   */
  renew(isStuck: (endpoint: LeasedEndpoint) => boolean): Promise<void>
  /** Ends the work for an endpoint, and releases its lease. */
  close(endpoint: LeasedEndpoint): void
  closeAll(): Promise<void>
}

/** What {@link createLeaseManager} needs. */
export interface LeaseManagerParts {
  readonly store: DeliveryStore
  readonly logger: Logger
  readonly leaseMs: number
}

// Tenants share them: one alone gets half.
const MAX_ENDPOINTS = 1_024
const MAX_TAKEN = 128
const REFUSED_MS = 1_000
const MAX_REFUSED = 10_000

/** Creates a lease manager that holds nothing. */
export function createLeaseManager({ store, logger, leaseMs }: LeaseManagerParts): LeaseManager {
  const endpoints = new Map<number, LeasedEndpoint>()
  const share = createFairShare(MAX_ENDPOINTS)
  /** Endpoints that could not be leased, and when to try again. */
  const refusedUntil = new Map<number, number>()
  let orphans = new Set<string>()
  let closing: Promise<void> = Promise.resolve()
  let wasStuck = false

  function open(lease: TakenLease, leasedUntil: number, isFresh: boolean): LeasedEndpoint {
    // Another node has had it since, and given it up, before this one noticed.
    const before = endpoints.get(lease.endpointKey)
    if (before) lose(before)
    const endpoint = new LeasedEndpoint(lease, leasedUntil, isFresh)
    endpoints.set(endpoint.endpointKey, endpoint)
    share.take(endpoint.tenantId)
    return endpoint
  }

  function forget(endpoint: LeasedEndpoint): void {
    endpoint.close()
    if (endpoints.get(endpoint.endpointKey) !== endpoint) return
    endpoints.delete(endpoint.endpointKey)
    share.release(endpoint.tenantId)
  }

  function lose(endpoint: LeasedEndpoint): void {
    if (!endpoint.closed) {
      logger.warn({ endpoint: endpoint.endpointKey }, 'The lease of an endpoint was lost')
    }
    forget(endpoint)
  }

  async function release(leases: readonly EndpointLease[]): Promise<void> {
    if (leases.length === 0) return
    try {
      await store.releaseLeases(leases)
    } catch (error) {
      logger.debug({ err: error }, 'Leases of endpoints could not be released; they will be found again')
    }
  }

  /** Releases the leases of endpoints that were idle for a while. */
  function releaseIdle(idleMs: number, isOf: (tenantId: number) => boolean = () => true): Promise<void> {
    const idleSince = performance.now() - idleMs
    const idle = [...endpoints.values()].filter(
      ({ isIdle, buffer, tenantId }) => isIdle && buffer.busyAt <= idleSince && isOf(tenantId),
    )
    for (const endpoint of idle) forget(endpoint)
    return release(idle)
  }

  /** Tenants that hold their share of leases. */
  function satedTenants(): Set<number> {
    const tenants = new Set([...endpoints.values()].map(({ tenantId }) => tenantId))
    return new Set([...tenants].filter((tenantId) => !share.hasRoom(tenantId)))
  }

  const room = () => Math.max(0, Math.min(MAX_TAKEN, MAX_ENDPOINTS - endpoints.size))

  function reportStuck(count: number): void {
    const isNew = count > 0 && !wasStuck
    wasStuck = count > 0
    if (!isNew) return
    logger.warn(
      {
        component: 'worker',
        event: 'leases_not_extended',
        endpoints: count,
        remedy: 'See what is logged of the database before this: its connections, its locks, its disk.',
      },
      'What is in flight for some endpoints cannot be read or recorded here; their leases are left to other nodes',
    )
  }

  /** A lease that has no endpoint twice in a row was taken, or not released, by a call that failed. */
  async function releaseOrphans(held: readonly EndpointLease[]): Promise<void> {
    const found = held.filter(({ endpointKey }) => !endpoints.has(endpointKey))
    const nameOf = ({ endpointKey, epoch }: EndpointLease) => `${endpointKey}:${epoch}`
    await release(found.filter((lease) => orphans.has(nameOf(lease))))
    orphans = new Set(found.map(nameOf))
  }

  return {
    endpoints,
    find({ endpointKey, epoch }) {
      const endpoint = endpoints.get(endpointKey)
      return endpoint?.epoch === epoch ? endpoint : undefined
    },
    async takeDue() {
      const sated = satedTenants()
      if (sated.size > 0) await releaseIdle(0, (tenantId) => sated.has(tenantId))
      if (room() === 0) return []
      const leasedUntil = performance.now() + leaseMs
      const taken = await store.leaseDueEndpoints(leaseMs, room(), [...satedTenants()])
      return taken.map((lease) => open(lease, leasedUntil, false))
    },
    async takeIdle(endpointKeys) {
      const now = performance.now()
      const isWanted = (key: number) => !endpoints.has(key) && (refusedUntil.get(key) ?? 0) <= now
      const asked = [...endpointKeys].filter(isWanted).slice(0, room())
      if (asked.length === 0) return []
      const taken = await store.leaseIdleEndpoints(asked, leaseMs, [...satedTenants()])
      if (refusedUntil.size > MAX_REFUSED) refusedUntil.clear()
      for (const key of asked) refusedUntil.set(key, now + REFUSED_MS)
      return taken.map((lease) => {
        refusedUntil.delete(lease.endpointKey)
        return open(lease, now + leaseMs, true)
      })
    },
    async renew(isStuck) {
      await store.findDeadNodes()
      await releaseIdle(leaseMs)
      const startedAt = performance.now()
      const stuck = [...endpoints.values()].filter(isStuck)
      reportStuck(stuck.length)
      const asked = [...endpoints.values()].filter((endpoint) => !stuck.includes(endpoint))
      const except = stuck.map(({ endpointKey }) => endpointKey)
      const renewed = await store.renewLeases(leaseMs, except)
      const kept = new Map(renewed.map((lease) => [lease.endpointKey, lease]))
      for (const endpoint of asked) {
        const lease = kept.get(endpoint.endpointKey)
        if (lease?.epoch === endpoint.epoch) {
          endpoint.extendLease(startedAt + leaseMs, lease.version)
          continue
        }
        lose(endpoint)
      }
      await releaseOrphans(renewed)
    },
    close(endpoint) {
      if (endpoint.closed) return
      forget(endpoint)
      closing = closing.then(() => release([endpoint]))
    },
    async closeAll() {
      await closing
      const all = [...endpoints.values()]
      for (const endpoint of all) forget(endpoint)
      await release(all)
    },
  }
}
