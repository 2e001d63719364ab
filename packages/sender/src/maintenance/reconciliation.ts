import type { Logger } from '@x/events-core'
import { createPeriodic } from '@x/events-engine/internal'
import type { EndpointOrderingKey, Repair, SweptPage } from '../store/reconcile.ts'
import type { DeliveryStore } from '../store/store.ts'

/** Compares what is stored with the sender's invariants from time to time, and repairs what contradicts them. */
export interface Reconciliation {
  readonly counts: Readonly<ReconciliationCounts>
  start(): void
  stop(): Promise<void>
}

/** What a reconciliation has done in this process. */
export interface ReconciliationCounts {
  runs: number
  repairs: number
}

/** What {@link createReconciliation} needs. */
export interface ReconciliationParts {
  readonly store: DeliveryStore
  readonly logger: Logger
  readonly everyMs: number
  /** Called after a repair: a delivery may be due. */
  look(): void
}

const FIRST_WITHIN_MS = 20_000
const AT_ONCE = 200
/** After each statement it pauses for so many times as long as that took, so that deliveries go first. */
const REST_FACTOR = 4
const MIN_REST_MS = 5

/**
 * Creates the reconciliation. The sender's transactions keep its invariants, so that nothing needs a repair unless
 * the tables were changed by hand, a backup was restored in part, or the sender has a bug. Then a webhook should be
 * late, not lost. One node at a time reconciles. It runs by the machine's timers, whatever the engine's clock says.
 */
export function createReconciliation(parts: ReconciliationParts): Reconciliation {
  const { store, logger, everyMs, look } = parts
  const counts: ReconciliationCounts = { runs: 0, repairs: 0 }

  function report(repairs: readonly Repair[]): void {
    const found = repairs.filter(({ count }) => count > 0)
    for (const one of found) {
      counts.repairs += 1
      logger.warn(one, 'Reconciliation repaired a contradiction among the stored webhooks; please report it')
    }
    if (found.length > 0) look()
  }

  async function sweep<TKey>(
    start: TKey,
    sweepPage: (after: TKey, limit: number) => Promise<SweptPage<TKey>>,
    signal: AbortSignal,
  ): Promise<void> {
    for (let after: TKey | undefined = start; after !== undefined && !signal.aborted; ) {
      const startedAt = performance.now()
      const { last, repairs }: SweptPage<TKey> = await sweepPage(after, AT_ONCE)
      report(repairs)
      after = last
      await pause(Math.max(MIN_REST_MS, (performance.now() - startedAt) * REST_FACTOR), signal)
    }
  }

  const loop = createPeriodic({
    async run(signal) {
      if (!(await store.takeReconciliation(everyMs))) return
      await sweep<number>(0, store.reconcileEndpoints, signal)
      await sweep<EndpointOrderingKey>(
        { endpointKey: 0, orderingKey: '' },
        store.reconcileOrderingKeys,
        signal,
      )
      if (!signal.aborted) counts.runs += 1
    },
    failed: (error) =>
      logger.warn({ err: error }, 'Reconciliation could not read the stored webhooks; it tries again later'),
    firstAfterMs: jittered(Math.min(everyMs, FIRST_WITHIN_MS)),
    everyMs: () => jittered(everyMs),
  })
  return { counts, start: loop.start, stop: loop.stop }
}

/** Resolves after a while, or when the signal is aborted. It uses the global timer, which tests may replace. */
function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, delayMs)
    signal.addEventListener('abort', end)
  })
}

/** Half to all of it, so that nodes that start together do not reconcile together. */
function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2)
}
