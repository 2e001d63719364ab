import type { Clock } from '@x/events-core'
import type { AheadEvent, FencePart, SqlExecutor, WrittenAtOnce } from '@x/events-engine/internal'
import type { AttemptResult } from '../deliveries/attempt-result.ts'
import type { StraightDelivery } from '../deliveries/due-delivery.ts'
import type { MessageTarget, MessageToStore, StoredDelivery } from '../store/messages.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { StraightResult } from '../store/straight.ts'
import { hadBy } from './fan-out.ts'

/** An event on its way, and how many of its deliveries are neither recorded nor stored. */
export interface Passage {
  readonly ahead: AheadEvent
  /** Of the endpoints, as they were when it was matched. */
  readonly revision: number
  open: number
}

/** A delivery on its way. */
export interface Leg {
  readonly passage: Passage
  readonly message: MessageToStore
  /** The bytes of the message's body. */
  readonly body: Buffer
  readonly target: MessageTarget
  /** Undefined for one that is not sent straight. */
  readonly delivery: StraightDelivery | undefined
  /** Looks since it was read, or since its attempt has begun. */
  looks: number
  hasBegun: boolean
  result: AttemptResult | undefined
  isPlain: boolean
  isQueued: boolean
  /** Ends the holding back of reads that may find it stored. */
  release: (() => void) | undefined
}

/** What {@link createBatchWrite} works with. */
export interface BatchWriteParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  /** Whether a transaction that has failed may have written some of it. */
  readonly isUnclear: boolean
}

/** Writes a batch of deliveries: successes in their final state, all others as pending. */
export interface BatchWrite {
  /** Writes it in a transaction that holds the fence. May be called again after a rollback. */
  inTransaction(trx: { withoutPlugins(): SqlExecutor }): Promise<void>
  /** The same together with the fence, for what has to be looked up nowhere. */
  readonly atOnce: ((fence: FencePart) => Promise<WrittenAtOnce>) | undefined
  /** What those are stored as that are pending, once it is committed. */
  readonly stored: ReadonlyMap<Leg, StoredDelivery>
}

/** @param batch - what is written is decided when it is written: responses may come in until then. */
export function createBatchWrite(
  batch: readonly Leg[],
  { store, clock, isUnclear }: BatchWriteParts,
): BatchWrite {
  const { recordAtOnce } = store
  const stored = new Map<Leg, StoredDelivery>()
  const revisions = new Set(batch.map(({ passage }) => passage.revision))
  const [revision = 0] = revisions

  /** Which of them to write, and which of those are of endpoints that were deleted meanwhile. */
  interface ToWrite {
    readonly legs: readonly Leg[]
    readonly deleted: ReadonlySet<Leg>
  }

  /**
   * Of endpoints that were deleted meanwhile, only what was sent is written, unless the lease that it was sent under is not the
   * latest; the others stay as they are until the commit.
   */
  async function legsToWrite(executor: SqlExecutor): Promise<ToWrite> {
    const current = await store.revision(executor)
    if (batch.every(({ passage }) => passage.revision === current)) return { legs: batch, deleted: new Set() }
    const endpoints = [...new Set(batch.map(({ target }) => target.endpointKey))]
    const kept = new Set(await store.keptEndpoints(executor, endpoints))
    const sent = batch.filter((leg) => !kept.has(leg.target.endpointKey) && isSent(leg))
    const keys = [...new Set(sent.map(({ target }) => target.endpointKey))]
    const epochs = keys.length === 0 ? undefined : await store.latestEpochs(executor, keys)
    const deleted = new Set(
      sent.filter(({ target, delivery }) => epochs?.get(target.endpointKey) === delivery?.epoch),
    )
    return { legs: batch.filter((leg) => kept.has(leg.target.endpointKey) || deleted.has(leg)), deleted }
  }

  /** After a COMMIT whose response was lost, only the database knows what was written. */
  async function withoutThoseStored(executor: SqlExecutor, legs: readonly Leg[]): Promise<readonly Leg[]> {
    if (!isUnclear) return legs
    const events = [...new Set(legs.map(({ passage }) => passage.ahead.event))]
    const had = hadBy(await store.findFannedOut(executor, events))
    return legs.filter((leg) => {
      const found = had.get(leg.message.eventId)?.get(leg.target.endpointKey)
      // One that was cancelled meanwhile has its result recorded, too.
      if (found?.isPending || (found && isSent(leg) && !leg.isPlain)) stored.set(leg, found)
      return !found
    })
  }

  async function storePending(executor: SqlExecutor, legs: readonly Leg[], now: number): Promise<void> {
    if (legs.length === 0) return
    const messages = [...Map.groupBy(legs, ({ message }) => message)].map(([message, ofMessage]) => ({
      ...message,
      targets: ofMessage.map(({ target }) => target),
    }))
    const { deliveries } = await store.storeMessages(executor, messages, now)
    for (const leg of legs) stored.set(leg, deliveries.get(leg.target) as StoredDelivery)
  }

  async function inTransaction(trx: { withoutPlugins(): SqlExecutor }): Promise<void> {
    stored.clear()
    const executor = trx.withoutPlugins()
    const now = clock.now()
    const { legs, deleted } = await legsToWrite(executor)
    const { results, pending } = outcomesOf(await withoutThoseStored(executor, legs))
    if (results.length > 0) await store.recordStraight(executor, results, now)
    await storePending(executor, pending, now)
    const cancelled = Map.groupBy(
      pending.filter((leg) => deleted.has(leg)),
      ({ target }) => target.endpointKey,
    )
    for (const [endpointKey, ofEndpoint] of cancelled) {
      const keys = ofEndpoint.flatMap((leg) => stored.get(leg)?.messageKey ?? [])
      await store.cancelIn(executor, endpointKey, keys, now)
    }
  }

  if (!recordAtOnce || revisions.size !== 1 || isUnclear) return { inTransaction, atOnce: undefined, stored }
  return {
    inTransaction,
    stored,
    async atOnce(fence) {
      const now = clock.now()
      const { results, pending } = outcomesOf(batch)
      const storeRest = async (trx: SqlExecutor) => {
        stored.clear()
        await storePending(trx, pending, now)
      }
      return recordAtOnce(fence, revision, results, now, pending.length > 0 ? storeRest : undefined)
    },
  }
}

function isSent({ delivery }: Leg): boolean {
  return delivery?.straight?.hasBegun ?? false
}

function outcomesOf(legs: readonly Leg[]): {
  readonly results: readonly StraightResult[]
  readonly pending: readonly Leg[]
} {
  const results: StraightResult[] = []
  const pending: Leg[] = []
  for (const leg of legs) {
    if (leg.isPlain && leg.result) results.push({ event: leg.passage.ahead.event, result: leg.result })
    else pending.push(leg)
  }
  // Keys ascend as events were read, as far as they are recorded together.
  results.sort((a, b) => b.result.messageKey - a.result.messageKey)
  return { results, pending }
}
