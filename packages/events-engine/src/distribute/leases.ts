import type { Logger } from '@x/events-core'
import type { EventStore } from '../store/event-store.ts'
import type { HeldLease } from '../store/leases.ts'
import type { Fence } from '../store/save-position.ts'
import { createPeriodic } from '../util/periodic.ts'

/** Renews this node's leases, and notices when one is lost. */
export interface LeaseManager {
  start(): void
  stop(): Promise<void>
  hold(fence: Fence, revision: number): void
  letGo(fence: Fence): void
  /** False once the lease was taken over, or could not be renewed in time. Renews it where the timer for that is late. */
  isHeld(fence: Fence): boolean
  /** Whether a person has changed the subscription since the lease was taken, as far as this node knows. */
  isOutdated(fence: Fence): boolean
}

/** What {@link createLeaseManager} works with. */
export interface LeaseManagerParts {
  readonly store: Pick<EventStore, 'renewLeases'>
  readonly leaseMs: number
  readonly logger: Logger
  /** Called when a lease is lost, or a person has changed its subscription on another node. */
  changed(): void
}

/** Creates the manager of a node's leases. One statement renews all of them, three times in the life of a lease. */
export function createLeaseManager({ store, leaseMs, logger, changed }: LeaseManagerParts): LeaseManager {
  const held = new Map<string, HeldLease>()
  const outdated = new Set<string>()
  let renewedAt = performance.now()
  let triedAt = renewedAt

  async function renew(): Promise<void> {
    if (held.size === 0) return
    const startedAt = performance.now()
    triedAt = startedAt
    const asked = new Map(held)
    const kept = new Map(
      (await store.renewLeases(leaseMs, [...asked.keys()])).map((lease) => [lease.name, lease]),
    )
    renewedAt = startedAt
    let isChanged = false
    for (const [name, lease] of asked) {
      const now = kept.get(name)
      if (now?.epoch === lease.epoch && now.revision === lease.revision) continue
      isChanged = true
      if (now?.epoch === lease.epoch) outdated.add(name)
      else if (held.get(name) === lease) held.delete(name)
    }
    // Without need, the runners that wait would read the log.
    if (isChanged) changed()
  }

  const loop = createPeriodic({
    run: renew,
    failed: (error) =>
      logger.warn({ err: error }, 'The leases of subscriptions could not be renewed; trying again'),
    everyMs: leaseMs / 3,
    firstAfterMs: leaseMs / 3,
  })

  return {
    start: loop.start,
    stop: loop.stop,
    hold({ name, epoch }, revision) {
      if (held.size === 0) {
        renewedAt = performance.now()
        triedAt = renewedAt
      }
      outdated.delete(name)
      held.set(name, { name, epoch, revision })
    },
    letGo({ name, epoch }) {
      if (held.get(name)?.epoch === epoch) held.delete(name)
    },
    isHeld({ name, epoch }) {
      const now = performance.now()
      // A host that raises on SQLite without a pause keeps the event loop from turning, and the timer from running.
      if (now - triedAt > leaseMs / 2) void loop.now()
      return held.get(name)?.epoch === epoch && now - renewedAt < leaseMs
    },
    isOutdated: ({ name }) => outdated.has(name),
  }
}
