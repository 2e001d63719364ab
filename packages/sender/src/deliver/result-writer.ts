import type { Clock, Logger } from '@x/events-core'
import { createPeriodic, isRefusal } from '@x/events-engine/internal'
import type { AttemptResult, EndpointState } from '../deliveries/attempt-result.ts'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import type { DeliveryStore } from '../store/store.ts'
import type { LeaseManager } from './lease-manager.ts'
import type { LeasedEndpoint } from './leased-endpoint.ts'

/** Records the results of attempts, many in one transaction. */
export interface ResultWriter {
  /** Results that are not recorded. */
  readonly waiting: number
  /** Whether so many wait that no further attempt should begin. */
  readonly full: boolean
  /** @param urgent - others wait for it: it does not wait for further results. */
  add(result: AttemptResult, urgent: boolean): void
  /** No other result is expected soon: records what there is. */
  hurry(): void
  /** Whether results of an endpoint wait although recording has failed for so long. */
  isFailing(endpointKey: number, forMs: number): boolean
  /** Resolves when everything is recorded, or when the time is over. */
  settled(timeoutMs: number): Promise<void>
  start(): void
  stop(): void
}

/** What {@link createResultWriter} needs. */
export interface ResultWriterParts {
  readonly store: DeliveryStore
  readonly clock: Clock
  readonly logger: Logger
  readonly leases: LeaseManager
  readonly leaseMs: number
  /** Raises events about what was recorded, for the host, inside of the transaction. */
  readonly raiseNotices: Parameters<DeliveryStore['recordAttempts']>[1]
  /** Called after a commit that has counted attempts, and maybe raised events. */
  committed(hasNotices: boolean): void
  /** Called when something will be due. */
  expect(dueOn: number): void
  /** Called with the endpoints of what is recorded. */
  attend(endpoints: Iterable<LeasedEndpoint>): void
}

const MAX_DELAY_MS = 5
const MAX_BATCH = 200
const MAX_WAITING = 2_000
const RETRY_MS = 250

/** What is left out of a result that the database refuses. */
interface Reduction {
  readonly without: string
  readonly reduce: (result: AttemptResult) => AttemptResult
  readonly hasNotices: boolean
  readonly hasState: boolean
}

const withoutTexts = (result: AttemptResult) => ({
  ...result,
  errorMessage: null,
  responseBody: null,
  details: null,
})
const REDUCTIONS: readonly Reduction[] = [
  { without: "the consumer's response", reduce: withoutTexts, hasNotices: true, hasState: true },
  { without: 'telling the host of it', reduce: withoutTexts, hasNotices: false, hasState: true },
  {
    without: 'its attempt',
    reduce: (result) => ({ ...withoutTexts(result), counted: false, notice: null }),
    hasNotices: false,
    hasState: false,
  },
]
const COMPLETE = { hasNotices: true, hasState: true }

/**
 * Creates the result writer. Results wait a few milliseconds for others. A crash before the commit repeats their
 * attempts, with the same message ids; a database that is away only delays.
 */
export function createResultWriter(parts: ResultWriterParts): ResultWriter {
  const { store, clock, logger, leases, leaseMs, raiseNotices, committed, expect, attend } = parts
  let waiting: AttemptResult[] = []
  let isWriting = false
  let isHurried = false
  let soon: NodeJS.Immediate | undefined
  /**
   * How many of them, the first, a try that failed was to write. If only the response to its COMMIT was lost, they are
   * recorded: a repeated try can tell if it has the same results, and no others.
   */
  let unclear = 0
  /** By `performance.now()`. */
  let failingSince: number | undefined

  const loop = createPeriodic({
    run: write,
    failed: (error) => logger.error({ err: error }, 'Attempts could not be recorded'),
    firstAfterMs: Number.POSITIVE_INFINITY,
    everyMs: Number.POSITIVE_INFINITY,
  })

  async function write(signal: AbortSignal): Promise<void> {
    clearImmediate(soon)
    soon = undefined
    isWriting = true
    while (waiting.length > 0 && !signal.aborted) {
      const batch = waiting.slice(0, unclear || MAX_BATCH)
      unclear = batch.length
      const startedAt = performance.now()
      try {
        await record(batch)
        failingSince = undefined
      } catch (error) {
        failingSince ??= startedAt
        logger.warn({ err: error, waiting: waiting.length }, 'Attempts could not be recorded; trying again')
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
      // What was added meanwhile may wait for further results again.
      if (waiting.length < MAX_BATCH && !isHurried) break
    }
    isWriting = false
    isHurried = false
    if (waiting.length > 0) arm()
  }

  function arm(): void {
    if (waiting.length >= MAX_BATCH) void loop.now()
    else if (isHurried) soon ??= setImmediate(loop.now)
    else loop.within(MAX_DELAY_MS)
  }

  /**
   * Records results in one transaction, unless the database refuses one of them (a constraint or trigger of the host's,
   * text that it does not take). That one must not hold up the others: the batch is split until it is alone.
   */
  async function record(batch: readonly AttemptResult[]): Promise<void> {
    try {
      await recordAs(batch, COMPLETE)
    } catch (error) {
      if (!isRefusal(error)) throw error
      const [first] = batch
      if (first && batch.length === 1) return recordReduced(first, error)
      const half = Math.ceil(batch.length / 2)
      await record(batch.slice(0, half))
      await record(batch.slice(half))
    }
  }

  /** Records a result without what may be wrong with it, and in the end drops it. */
  async function recordReduced(result: AttemptResult, refusal: unknown): Promise<void> {
    const { endpointKey, messageKey, number } = result
    const details = { endpoint: endpointKey, message: messageKey, attempt: number }
    let err = refusal
    for (const { without, reduce, ...how } of REDUCTIONS) {
      try {
        await recordAs([reduce(result)], how)
        logger.error({ err, ...details }, `An attempt was refused; it is recorded without ${without}`)
        return
      } catch (error) {
        if (!isRefusal(error)) throw error
        err = error
      }
    }
    done(1)
    // Its endpoint still knows it: if it were read again, it would be sent again and again.
    logger.error(
      { err, ...details },
      'An attempt cannot be recorded; its delivery stays pending, and is attempted again after a restart',
    )
  }

  async function recordAs(
    results: readonly AttemptResult[],
    { hasNotices, hasState }: Pick<Reduction, 'hasNotices' | 'hasState'>,
  ): Promise<void> {
    const states = hasState ? statesOf(results) : []
    const { hasNotices: raised, next } = await store.recordAttempts(
      { results, states },
      hasNotices ? raiseNotices : undefined,
    )
    done(results.length)
    committed(raised)
    recorded(results, states, next)
  }

  function done(count: number): void {
    waiting = waiting.slice(count)
    unclear -= count
  }

  /** What has to be stored of the results' endpoints. */
  function statesOf(results: readonly AttemptResult[]): EndpointState[] {
    const now = clock.now()
    const endpoints = new Set(results.map((result) => leases.find(result)))
    return [...endpoints].flatMap((endpoint) => endpoint?.stateToStore(now) ?? [])
  }

  function recorded(
    results: readonly AttemptResult[],
    states: readonly EndpointState[],
    next: readonly DueDelivery[],
  ): void {
    const now = clock.now()
    const endpoints = new Set<LeasedEndpoint>()
    const nextOf = Map.groupBy(next, ({ endpointKey }) => endpointKey)
    for (const result of results) {
      if (result.dueOn !== null) expect(result.dueOn)
      const endpoint = leases.find(result)
      if (!endpoint) continue
      const isNext = ({ orderingKey }: DueDelivery) => orderingKey === result.orderingKey
      endpoint.recorded(result, nextOf.get(result.endpointKey)?.find(isNext), now)
      if (result.notice?.kind === 'disabled') leases.close(endpoint)
      endpoints.add(endpoint)
    }
    for (const state of states) {
      const endpoint = leases.find(state)
      if (!endpoint) continue
      endpoint.stateRecorded(state, now, leaseMs)
      if (state.notBefore > now) expect(state.notBefore)
    }
    attend(endpoints)
  }

  return {
    get waiting() {
      return waiting.length
    },
    get full() {
      return waiting.length >= MAX_WAITING
    },
    isFailing(endpointKey, forMs) {
      if (failingSince === undefined || performance.now() - failingSince < forMs) return false
      return waiting.some((result) => result.endpointKey === endpointKey)
    },
    add(result, urgent) {
      waiting.push(result)
      if (urgent) isHurried = true
      if (!isWriting) arm()
    },
    hurry() {
      isHurried = true
      if (waiting.length > 0 && !isWriting) void loop.now()
    },
    async settled(timeoutMs) {
      const deadline = performance.now() + timeoutMs
      while (waiting.length > 0 && performance.now() < deadline) {
        isHurried = true
        await Promise.race([loop.now(), new Promise((resolve) => setTimeout(resolve, RETRY_MS))])
      }
    },
    start() {
      loop.start()
      // What could not be recorded before the last stop.
      if (waiting.length > 0) arm()
    },
    stop: () => void loop.stop(),
  }
}
