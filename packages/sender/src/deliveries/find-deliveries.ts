import type { DeliveryKey } from '../deliveries/delivery-row.ts'
import {
  type CandidateDelivery,
  type DeliverySource,
  type FoundDelivery,
  newestFirst,
} from '../store/newest-deliveries.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { DeliveryState } from './delivery.ts'
import { type CheckedFilter, createFilterTest, isImpossible, wantsFailure } from './read-filter.ts'

/** Deliveries of a filter, the newest first, some at a time. */
export interface FoundBatch {
  /** All that were looked at. */
  readonly lookedAt: readonly CandidateDelivery[]
  /** Those of them that the filter lets through. */
  readonly found: readonly FoundDelivery[]
  /** Whatever is older has not been looked at; undefined at the end. */
  readonly next: DeliveryKey | undefined
}

/** Where to begin, and what is likely to be needed. */
export interface FindOptions {
  readonly before: DeliveryKey | undefined
  readonly wanted: number
}

/** What is read in one turn grows to so many deliveries, while little of it is wanted. */
const MOST_AT_ONCE = 2_000
const MORE = 4
const FEW_ENDPOINTS = 32

/** Finds the deliveries that a filter lets through. Whoever has enough stops reading. */
export async function* findDeliveries(
  store: DeliveryStore,
  filter: CheckedFilter,
  { before, wanted }: FindOptions,
): AsyncGenerator<FoundBatch, void, void> {
  if (isImpossible(filter)) return
  const isWanted = createFilterTest(filter)
  const foundIn = (deliveries: readonly CandidateDelivery[]) =>
    deliveries.flatMap(({ row }) => (row && isWanted(row) ? [row] : []))
  if (filter.eventId !== undefined) {
    const all = await store.deliveriesOfEvent(filter, filter.eventId)
    const lookedAt = all.filter((one) => before === undefined || newestFirst(before, one) < 0)
    yield { lookedAt, found: foundIn(lookedAt), next: undefined }
    return
  }
  const { sources, isSelective } = await sourcesOf(store, filter)
  for await (const { lookedAt, next } of readNewest(store, filter, {
    before,
    wanted,
    sources,
    isSelective,
  })) {
    yield { lookedAt, found: foundIn(lookedAt), next }
  }
}

interface Sources {
  readonly sources: readonly DeliverySource[]
  /** Whether much of what is read may be left out. */
  readonly isSelective: boolean
}

/** The one index that holds least besides what is wanted, in the order of its messages. */
export function sourceOf(filter: CheckedFilter): DeliverySource {
  const { states = [] } = filter
  const [state] = states
  const ofState =
    state === undefined || state === 'pending' || states.length > 1 ? undefined : SOURCE_OF_STATE[state]
  return ofState ?? (wantsFailure(filter) ? 'failed' : 'all')
}

/** Chooses the indexes that hold least besides what is wanted. */
async function sourcesOf(store: DeliveryStore, filter: CheckedFilter): Promise<Sources> {
  const { states, eventType, status, errorCode, hasFailedAttempts } = filter
  const isFailure = wantsFailure(filter)
  const isSelective = [eventType, status, errorCode, hasFailedAttempts].some((one) => one !== undefined)
  const ofStates: readonly (DeliverySource | undefined)[] = await Promise.all(
    [...new Set(states)].map(async (state) => {
      if (state === 'pending') return (await store.hasFewPending(filter)) ? state : undefined
      return SOURCE_OF_STATE[state]
    }),
  )
  if (states !== undefined && !ofStates.includes(undefined)) {
    return { sources: ofStates as readonly DeliverySource[], isSelective }
  }
  return { sources: [isFailure ? 'failed' : 'all'], isSelective: isSelective || states !== undefined }
}

const SOURCE_OF_STATE: Readonly<Record<Exclude<DeliveryState, 'pending'>, DeliverySource | undefined>> = {
  succeeded: undefined,
  exhausted: 'exhausted',
  cancelled: 'cancelled',
  pull: undefined,
}

/**
 * Reads deliveries of many endpoints in their common order. In each turn, those endpoints give some of their newest that have the
 * newest of all; what may be older than the newest of another endpoint, or than what one has given, is left to the next turn.
 */
async function* readNewest(
  store: DeliveryStore,
  filter: CheckedFilter,
  { before: given, wanted, sources, isSelective }: FindOptions & Sources,
): AsyncGenerator<Omit<FoundBatch, 'found'>, void, void> {
  const times = { since: filter.createdAfter, until: filter.createdBefore }
  const range = await store.messageRange(times)
  const end = { messageKey: range.end, endpointKey: 0 }
  let before = given && newestFirst(end, given) < 0 ? given : end
  // So many suffice, however the deliveries are spread.
  let endpoints = isSelective ? FEW_ENDPOINTS : wanted
  let rows = Math.min(MOST_AT_ONCE, wanted * MORE)

  for (;;) {
    const turn = { first: range.first, before }
    const newest = (
      await Promise.all(
        sources.map((source) => store.newestOfEndpoints(source, filter, { ...turn, limit: endpoints + 1 })),
      )
    )
      .flat()
      .sort(newestFirst)
    if (newest.length === 0) return
    const chosen = newest.slice(0, endpoints)
    const leftOut = newest[endpoints]
    const limit = isSelective ? Math.max(1, Math.floor(rows / chosen.length)) : wanted
    const first = leftOut ? Math.max(range.first, leftOut.messageKey) : range.first
    const read = await Promise.all(
      sources.map((source) => {
        const keys = chosen.filter((one) => one.source === source).map(({ endpointKey }) => endpointKey)
        return keys.length === 0 ? [] : store.newestDeliveries(source, keys, { first, before, limit })
      }),
    )
    const lastGiven = read.flatMap((deliveries) => lastOfFull(deliveries, limit)).sort(newestFirst)[0]
    const others = leftOut && { messageKey: leftOut.messageKey, endpointKey: leftOut.endpointKey + 1 }
    const isFull = lastGiven !== undefined && (!others || newestFirst(lastGiven, others) <= 0)
    const next = isFull ? lastGiven : others
    const complete = read.flat().filter((one) => !next || newestFirst(one, next) <= 0)
    yield { lookedAt: complete.sort(newestFirst), next: next && keyOf(next) }
    if (!next) return
    before = keyOf(next)
    // More of fewer endpoints, or less of more.
    endpoints = Math.min(MOST_AT_ONCE, isFull ? Math.ceil(endpoints / MORE) : endpoints * MORE)
    rows = Math.min(MOST_AT_ONCE, rows * MORE)
  }
}

/** The last delivery of each endpoint that has given as many as it may, and may have more. */
function lastOfFull(deliveries: readonly CandidateDelivery[], limit: number): CandidateDelivery[] {
  const counts = new Map<number, number>()
  return deliveries.filter(({ endpointKey }) => {
    const count = (counts.get(endpointKey) ?? 0) + 1
    counts.set(endpointKey, count)
    return count === limit
  })
}

function keyOf({ messageKey, endpointKey }: DeliveryKey): DeliveryKey {
  return { messageKey, endpointKey }
}
