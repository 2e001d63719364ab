import type { Logger } from '@x/events-core'
import type { EventStore, Fence, HeldLease } from '../store/event-store.ts'

/** Keeps this node's leases alive, and notices when one is gone. */
export interface LeaseKeeper {
  start(): void
  stop(): Promise<void>
  hold(fence: Fence, revision: number): void
  letGo(fence: Fence): void
  /** False once the lease was taken over or could not be extended in time. */
  isHeld(fence: Fence): boolean
  /** Whether a person has changed the subscription since the lease was taken, as far as is known here. */
  isOutdated(fence: Fence): boolean
}

/**
 * One statement extends all leases of the node, three times in the life of a lease.
 *
 * @param changed - called when a lease is gone, or a person has changed its subscription on another node.
 */
export function createLeaseKeeper(
  store: EventStore,
  changed: () => void,
  leaseMs: number,
  logger: Logger,
): LeaseKeeper {
  const held = new Map<string, HeldLease>()
  const outdated = new Set<string>()
  let extendedAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  let renewing: Promise<void> | undefined

  async function renew(): Promise<void> {
    if (held.size === 0) return
    const startedAt = performance.now()
    const asked = new Map(held)
    try {
      const kept = new Map(
        (await store.renewLeases(leaseMs, [...asked.keys()])).map((lease) => [lease.name, lease]),
      )
      extendedAt = startedAt
      let isChanged = false
      for (const [name, lease] of asked) {
        const now = kept.get(name)
        if (now?.epoch === lease.epoch && now.revision === lease.revision) continue
        isChanged = true
        if (now?.epoch === lease.epoch) outdated.add(name)
        else if (held.get(name) === lease) held.delete(name)
      }
      // What waits has to look whether to go on; without need, it would read the log.
      if (isChanged) changed()
    } catch (error) {
      logger.warn({ err: error }, 'The leases of subscriptions could not be extended; trying again')
    }
  }

  return {
    start() {
      timer = setInterval(() => {
        // One at a time: what waits for a database that is away must not become a queue.
        renewing ??= renew().finally(() => {
          renewing = undefined
        })
      }, leaseMs / 3)
    },
    async stop() {
      clearInterval(timer)
      await renewing
    },
    hold({ name, epoch }, revision) {
      if (held.size === 0) extendedAt = performance.now()
      outdated.delete(name)
      held.set(name, { name, epoch, revision })
    },
    letGo({ name, epoch }) {
      if (held.get(name)?.epoch === epoch) held.delete(name)
    },
    isHeld({ name, epoch }) {
      return held.get(name)?.epoch === epoch && performance.now() - extendedAt < leaseMs
    },
    isOutdated: ({ name }) => outdated.has(name),
  }
}
