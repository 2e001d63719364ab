import type { Logger } from '@x/events-core'
import type { DeliveryStore } from '../delivery-store.ts'
import type { LaneKey, Repair, SweptPage } from '../store/reconcile.ts'

/** Looks through what is stored, now and then, for what should not be, and puts it right. */
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

/** What {@link createReconciliation} works with. */
export interface ReconciliationParts {
  readonly store: DeliveryStore
  readonly logger: Logger
  readonly everyMs: number
  /** Called after a repair: a delivery may be due. */
  look(): void
}

const FIRST_WITHIN_MS = 20_000
const AT_ONCE = 200
/** After each statement it pauses so many times as long as that took: others come first. */
const REST_FACTOR = 4
const MIN_REST_MS = 5

/**
 * The sender's statements keep to invariants, in transactions; nothing of this is ever needed, unless
 * somebody has changed the tables by hand, restored half of them, or there is a mistake in here. Then a
 * webhook should be late, not lost. One node at a time does it, whoever is first. Timers are the
 * machine's, whatever the engine's clock says.
 */
export function createReconciliation(parts: ReconciliationParts): Reconciliation {
  const { store, logger, everyMs, look } = parts
  const counts: ReconciliationCounts = { runs: 0, repairs: 0 }
  let stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let sweeping: Promise<void> = Promise.resolve()

  function note(repairs: readonly Repair[]): void {
    const found = repairs.filter(({ count }) => count > 0)
    for (const one of found) {
      counts.repairs += 1
      logger.warn(one, 'Reconciliation repaired a contradiction among the stored webhooks; please report it')
    }
    if (found.length > 0) look()
  }

  async function sweepAll<TKey>(
    start: TKey,
    sweep: (after: TKey, limit: number) => Promise<SweptPage<TKey>>,
  ): Promise<void> {
    for (let after: TKey | undefined = start; after !== undefined; ) {
      if (stopping.signal.aborted) return
      const startedAt = performance.now()
      const { last, repairs }: SweptPage<TKey> = await sweep(after, AT_ONCE)
      note(repairs)
      after = last
      const restMs = Math.max(MIN_REST_MS, (performance.now() - startedAt) * REST_FACTOR)
      await rested(restMs, stopping.signal)
    }
  }

  async function run(): Promise<void> {
    try {
      if (!(await store.takeReconciliation(everyMs))) return
      await sweepAll<number>(0, store.reconcileEndpoints)
      await sweepAll<LaneKey>({ endpointKey: 0, lane: '' }, store.reconcileLanes)
      counts.runs += 1
    } catch (error) {
      logger.warn({ err: error }, 'Reconciliation could not read the stored webhooks; it tries again later')
    }
  }

  function arm(delayMs: number): void {
    timer = setTimeout(() => {
      sweeping = run().finally(() => {
        if (!stopping.signal.aborted) arm(jittered(everyMs))
      })
    }, delayMs)
  }

  return {
    counts,
    start() {
      stopping = new AbortController()
      arm(jittered(Math.min(everyMs, FIRST_WITHIN_MS)))
    },
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await sweeping
    },
  }
}

/** Resolves after a while, or as soon as it is stopped. By the global timer, which fake timers of a test replace. */
function rested(delayMs: number, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stopping.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      stopping.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, delayMs)
    stopping.addEventListener('abort', end)
  })
}

/** Half to all of it, so that nodes that were started together do not ask together. */
function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2)
}
