import type { Logger } from '@x/events-core'
import type { EventStore, Fence } from '../store/event-store.ts'
import type { WakeSignal } from '../wake/wake-signal.ts'

/** Keeps this node's leases alive, and notices when one is gone. */
export interface LeaseKeeper {
  start(): void
  stop(): Promise<void>
  hold(fence: Fence): void
  letGo(fence: Fence): void
  /** False once the lease was taken over, ended by a person, or could not be extended in time. */
  isHeld(fence: Fence): boolean
}

/** One statement extends all leases of the node, three times in the life of a lease. */
export function createLeaseKeeper(
  store: EventStore,
  wake: WakeSignal,
  leaseMs: number,
  logger: Logger,
): LeaseKeeper {
  const held = new Map<string, number>()
  let extendedAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  let renewing: Promise<void> = Promise.resolve()

  async function renew(): Promise<void> {
    if (held.size === 0) return
    const startedAt = performance.now()
    const asked = new Map(held)
    try {
      const kept = new Map((await store.renewLeases(leaseMs)).map(({ name, epoch }) => [name, epoch]))
      extendedAt = startedAt
      for (const [name, epoch] of asked) {
        if (kept.get(name) !== epoch && held.get(name) === epoch) held.delete(name)
      }
      wake.poke()
    } catch (error) {
      logger.warn({ err: error }, 'The leases of subscriptions could not be extended; trying again')
    }
  }

  return {
    start() {
      timer = setInterval(() => {
        renewing = renewing.then(renew)
      }, leaseMs / 3)
    },
    async stop() {
      clearInterval(timer)
      await renewing
    },
    hold({ name, epoch }) {
      if (held.size === 0) extendedAt = performance.now()
      held.set(name, epoch)
    },
    letGo({ name, epoch }) {
      if (held.get(name) === epoch) held.delete(name)
    },
    isHeld({ name, epoch }) {
      return held.get(name) === epoch && performance.now() - extendedAt < leaseMs
    },
  }
}
