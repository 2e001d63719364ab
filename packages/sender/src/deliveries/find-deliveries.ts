import type { DeliveryKey } from '../deliveries/delivery-row.ts'
import {
  type CandidateDelivery,
  type DeliverySource,
  type FoundDelivery,
  type NewestRange,
  newestFirst,
} from '../store/delivery-sources.ts'
import type { DeliveryConditions } from '../store/latest-deliveries.ts'
import type { NewestOfEndpoint } from '../store/newest-deliveries.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { DeliveryCount, DeliveryState } from './delivery.ts'
import {
  type CheckedFilter,
  createFilterTest,
  isImpossible,
  statusesOf,
  wantsFailure,
} from './read-filter.ts'

/** Deliveries of a filter, the newest first, some at a time. */
export interface FoundBatch {
  /** How many were looked at. */
  readonly lookedAt: number
  /** Those of them that the filter lets through. */
  readonly found: readonly FoundDelivery[]
  /** When the last of them was created; undefined where that is not known. */
  readonly backTo: number | undefined
  /** Whatever is older has not been looked at; undefined at the end. */
  readonly next: DeliveryKey | undefined
}

/** Where to begin, and what is likely to be needed. */
export interface FindOptions {
  readonly before: DeliveryKey | undefined
  readonly wanted: number
  /** Whether the caller leaves out much of what the filter lets through. */
  readonly isSelective?: boolean
}

/** What is read in one turn grows to about so many deliveries, while little of it is wanted. */
const MOST_AT_ONCE = 1_000
const MORE = 4
/** Of so many deliveries that lie beside each other, one is to be the owner's, to read on there. */
const SPARSE = 4
/** Of one endpoint, at first. */
const FIRST_OF_EACH = 64
/** How far apart deliveries are is guessed from the newest of so many endpoints. */
const SAMPLE = 32
/** More than a tenant has; of more, those that had none for the longest time are not looked through. */
const MANY_ENDPOINTS = 100_000

/** Finds the deliveries that a filter lets through. A caller that has enough stops reading. */
export async function* findDeliveries(
  store: DeliveryStore,
  filter: CheckedFilter,
  { before, wanted, isSelective: isSelectiveBeyond = false }: FindOptions,
): AsyncGenerator<FoundBatch, void, void> {
  if (isImpossible(filter)) return
  const isWanted = createFilterTest(filter)
  const foundIn = (deliveries: readonly CandidateDelivery[]) =>
    deliveries.flatMap(({ row }) => (row && isWanted(row) ? [row] : []))
  if (filter.eventId !== undefined) {
    const all = await store.deliveriesOfEvent(filter, filter.eventId)
    const older = all.filter((one) => before === undefined || newestFirst(before, one) < 0)
    yield { lookedAt: older.length, found: foundIn(older), backTo: undefined, next: undefined }
    return
  }
  const { sources, ...of } = await sourcesOf(filter, () => store.hasFewPending(filter))
  const isSelective = of.isSelective || isSelectiveBeyond
  for await (const { candidates, ...batch } of readNewest(store, filter, {
    before,
    wanted,
    sources,
    isSelective,
  })) {
    yield { ...batch, found: foundIn(candidates) }
  }
}

/** Counts what a filter lets through, up to a limit. */
export async function countDeliveries(
  store: DeliveryStore,
  filter: CheckedFilter,
  { counted, lookedAt: most }: { readonly counted: number; readonly lookedAt: number },
): Promise<DeliveryCount> {
  // In no order, the index of what is pending will do however much that is.
  const { sources, isSelective } = await sourcesOf(filter, async () => true)
  if (!isSelective && filter.eventId === undefined && !isImpossible(filter)) {
    const times = { since: filter.createdAfter, until: filter.createdBefore, limit: counted + 1 }
    const counts = await Promise.all(sources.map((source) => store.countSome(source, filter, times)))
    const count = counts.reduce((sum, one) => sum + one, 0)
    return { count: Math.min(count, counted), isComplete: count <= counted }
  }
  if (filter.eventId === undefined && !isImpossible(filter)) {
    return countFiltered(store, filter, { sources, limit: most })
  }
  let count = 0
  let lookedAt = 0
  for await (const batch of findDeliveries(store, filter, { before: undefined, wanted: MOST_AT_ONCE })) {
    count += batch.found.length
    lookedAt += batch.lookedAt
    if (batch.next && lookedAt >= most) return { count, isComplete: false }
  }
  return { count, isComplete: true }
}

/** Counts among so many deliveries, which the database looks at by itself. */
async function countFiltered(
  store: DeliveryStore,
  filter: CheckedFilter,
  { sources, limit }: { readonly sources: readonly DeliverySource[]; readonly limit: number },
): Promise<DeliveryCount> {
  const wanted = conditionsOf(filter)
  const times = { since: filter.createdAfter, until: filter.createdBefore, limit }
  if (readsLatest(sources, filter)) {
    const { count, own, read } = await store.countFiltered(undefined, filter, wanted, times)
    const isComplete = read < limit
    if (isComplete || own * SPARSE >= read) return { count, isComplete }
  }
  const counts = await Promise.all(
    sources.map((source) => store.countFiltered(source, filter, wanted, times)),
  )
  return {
    count: counts.reduce((sum, { count }) => sum + count, 0),
    isComplete: counts.every(({ read }) => read < limit),
  }
}

function conditionsOf(filter: CheckedFilter): DeliveryConditions {
  const { status } = filter
  return { ...filter, statuses: status === undefined ? undefined : statusesOf(status) }
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
async function sourcesOf(filter: CheckedFilter, readsPending: () => Promise<boolean>): Promise<Sources> {
  const { states, eventType, status, errorCode, hasFailedAttempts } = filter
  const isFailure = wantsFailure(filter)
  const isSelective = [eventType, status, errorCode, hasFailedAttempts].some((one) => one !== undefined)
  const ofStates: readonly (DeliverySource | undefined)[] = await Promise.all(
    [...new Set(states)].map(async (state) => {
      if (state === 'pending') return (await readsPending()) ? state : undefined
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

/** What was looked at, and what may be wanted of it. */
interface Batch extends Omit<FoundBatch, 'found'> {
  readonly candidates: readonly CandidateDelivery[]
}

type Batches = AsyncGenerator<Batch, void, void>

/** Reads deliveries of many endpoints in their common order. */
async function* readNewest(
  store: DeliveryStore,
  filter: CheckedFilter,
  { before: given, wanted, sources, isSelective }: FindOptions & Sources,
): Batches {
  const times = { since: filter.createdAfter, until: filter.createdBefore }
  const range = await store.messageRange(times)
  const end = { messageKey: range.end, endpointKey: 0 }
  const before = given && newestFirst(end, given) < 0 ? given : end
  const options = { first: range.first, before, wanted, sources }
  if (readsLatest(sources, filter)) {
    const rest = yield* readLatest(store, filter, { ...options, isSelective })
    if (!rest) return
    options.before = rest
  }
  yield* isSelective ? readMuch(store, filter, options) : readPage(store, filter, options)
}

interface ReadOptions {
  readonly first: number
  readonly before: DeliveryKey
  readonly wanted: number
  readonly sources: readonly DeliverySource[]
}

/** Whether deliveries of many endpoints are read in any state: they may lie beside each other. */
function readsLatest(sources: readonly DeliverySource[], { endpointId }: CheckedFilter): boolean {
  return endpointId === undefined && sources.every((source) => source === 'all')
}

/**
 * Reads what lies beside each other, whichever endpoints it is of, as long as enough of it is the owner's.
 *
 * @returns where it has ended before the end.
 */
async function* readLatest(
  store: DeliveryStore,
  filter: CheckedFilter,
  { first, before: begin, wanted, isSelective }: ReadOptions & Pick<Sources, 'isSelective'>,
): AsyncGenerator<Batch, DeliveryKey | undefined, void> {
  const conditions = conditionsOf(filter)
  let limit = Math.min(MOST_AT_ONCE, isSelective ? wanted * MORE : wanted)
  for (let before = begin; ; limit = Math.min(MOST_AT_ONCE, limit * MORE)) {
    const { found, read, own, last } = await store.latestDeliveries(filter, conditions, {
      first,
      before,
      limit,
    })
    const next = last && read === limit ? keyOf(last) : undefined
    yield { candidates: found, lookedAt: read, backTo: last?.createdOn, next }
    if (!next || own * SPARSE < read) return next
    before = next
  }
}

/**
 * Where about all that is read is wanted. In each turn, as many endpoints as deliveries are wanted give as many of their newest: those
 * endpoints that have the newest of all. That suffices, however the deliveries are spread.
 */
async function* readPage(store: DeliveryStore, filter: CheckedFilter, options: ReadOptions): Batches {
  const { wanted, sources } = options
  for (let { before } = options; ; ) {
    const turn = { first: options.first, before, limit: wanted + 1 }
    const newest = await newestOfAll(store, filter, sources, turn)
    if (newest.length === 0) return
    const leftOut = newest[wanted]
    const batch = await readTurn(store, newest.slice(0, wanted), {
      first: leftOut ? Math.max(options.first, leftOut.messageKey) : options.first,
      before,
      limit: wanted,
      // Whatever is not newer than the first that is left out.
      rest: leftOut && { messageKey: leftOut.messageKey, endpointKey: leftOut.endpointKey + 1 },
    })
    yield batch
    if (!batch.next) return
    before = batch.next
  }
}

/** Where little of it may be wanted: a range of messages at a time, as long as gives about so many deliveries of all endpoints. */
async function* readMuch(store: DeliveryStore, filter: CheckedFilter, options: ReadOptions): Batches {
  const { first, sources } = options
  const owners = await newestOfAll(store, filter, sources, { ...options, limit: MANY_ENDPOINTS })
  const [newest] = owners
  if (!newest) return
  let before: DeliveryKey = { messageKey: newest.messageKey, endpointKey: newest.endpointKey + 1 }
  let aim = Math.min(MOST_AT_ONCE, options.wanted * MORE)
  let limit = FIRST_OF_EACH
  const some = owners.slice(0, SAMPLE)
  const span = newest.messageKey - (some.at(-1)?.messageKey ?? 0) + 1
  let length = Math.ceil((span * aim) / some.length)
  for (;;) {
    const from = Math.max(first, before.messageKey - length)
    const rest = from > first ? { messageKey: from, endpointKey: 0 } : undefined
    const { isFull, ...batch } = await readTurn(store, owners, { first: from, before, limit, rest })
    yield batch
    if (!batch.next) return
    before = batch.next
    aim = Math.min(MOST_AT_ONCE, aim * MORE)
    if (isFull) limit = Math.min(MOST_AT_ONCE, limit * MORE)
    const factor = isFull ? 1 : Math.min(MORE * 2, aim / Math.max(1, batch.lookedAt))
    length = Math.ceil(length * factor)
  }
}

async function newestOfAll(
  store: DeliveryStore,
  filter: CheckedFilter,
  sources: readonly DeliverySource[],
  turn: NewestRange & { readonly limit: number },
): Promise<NewestOfEndpoint[]> {
  const newest = await Promise.all(sources.map((source) => store.newestOfEndpoints(source, filter, turn)))
  return newest.flat().sort(newestFirst).slice(0, turn.limit)
}

interface Turn extends NewestRange {
  readonly limit: number
  /** What is older than this is not read. */
  readonly rest: DeliveryKey | undefined
}

/** Reads some of each endpoint; what may be older than the last of one that may have more is left to the next turn. */
async function readTurn(
  store: DeliveryStore,
  chosen: readonly NewestOfEndpoint[],
  { rest, ...range }: Turn,
): Promise<Batch & { readonly isFull: boolean }> {
  const bySource = Map.groupBy(chosen, ({ source }) => source)
  const read = await Promise.all(
    [...bySource].map(([source, endpoints]) => {
      const keys = endpoints.map(({ endpointKey }) => endpointKey)
      return store.newestDeliveries(source, keys, range)
    }),
  )
  const lastGiven = read.flatMap((some) => lastOfFull(some, range.limit)).sort(newestFirst)[0]
  const isFull = lastGiven !== undefined && (!rest || newestFirst(lastGiven, rest) <= 0)
  const next = isFull ? lastGiven : rest
  const candidates = read
    .flat()
    .filter((one) => !next || newestFirst(one, next) <= 0)
    .sort(newestFirst)
  const backTo = candidates.findLast(({ row }) => row)?.row?.createdOn
  return { candidates, lookedAt: candidates.length, backTo, next: next && keyOf(next), isFull }
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
