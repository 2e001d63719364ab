import type { SyncEvent } from '@x/events-core'

/** Looks at an event that is being raised; what it throws keeps the event from being raised. */
export type RaiseCheck = (event: SyncEvent) => void

const checksOf = new WeakMap<object, Set<RaiseCheck>>()

/** Remembers an engine's checks, for {@link checkRaises}. */
export function keepRaiseChecks(engine: object, checks: Set<RaiseCheck>): void {
  checksOf.set(engine, checks)
}

/**
 * Has events looked at before they are written, in this process. Those that database triggers raise are not seen.
 *
 * @returns a function that ends it.
 */
export function checkRaises(engine: object, check: RaiseCheck): () => void {
  checksOf.get(engine)?.add(check)
  return () => {
    checksOf.get(engine)?.delete(check)
  }
}
