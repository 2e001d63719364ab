import type { Clock } from '@x/events-core'
import type { Worker } from '../deliver/worker.ts'
import type { Reconciliation } from '../maintenance/reconciliation.ts'
import type { DeliveryStore } from '../store/store.ts'

/** How a sender stands. */
export interface SenderStats {
  readonly endpoints: { readonly enabled: number; readonly disabled: number }
  /** Stored deliveries that have not succeeded. */
  readonly deliveries: { readonly pending: number; readonly exhausted: number }
  /** Requests of this process that are under way. */
  readonly inFlight: number
  /** How long the delivery that waits longest has been due, in milliseconds; 0 when nothing is due. */
  readonly oldestDueAgeMs: number
  /** What was found among the stored webhooks that should not be, by this process; see `reconcileEveryMs`. */
  readonly reconciliation: { readonly runs: number; readonly repairs: number }
  /** What this process has done since it was started. */
  readonly sinceStart: {
    readonly attempts: number
    readonly succeeded: number
    readonly failed: number
    readonly exhausted: number
  }
}

/** What {@link createStatsReader} reads. */
export interface StatsReaderParts {
  readonly store: Pick<DeliveryStore, 'counts'>
  readonly clock: Clock
  readonly worker: Pick<Worker, 'inFlight' | 'counts'>
  readonly reconciliation: Pick<Reconciliation, 'counts'>
}

/** Creates what tells how a sender stands. */
export function createStatsReader({ store, clock, worker, reconciliation }: StatsReaderParts) {
  return async (): Promise<SenderStats> => {
    const now = clock.now()
    const { enabled, disabled, pending, exhausted, oldestDueOn } = await store.counts(now)
    return {
      endpoints: { enabled, disabled },
      deliveries: { pending, exhausted },
      inFlight: worker.inFlight,
      oldestDueAgeMs: oldestDueOn === null ? 0 : now - oldestDueOn,
      reconciliation: { ...reconciliation.counts },
      sinceStart: { ...worker.counts },
    }
  }
}
