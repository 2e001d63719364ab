import type { Logger } from '@x/events-core'
import { isRefusal } from '@x/events-engine/internal'
import type { AttemptResult, EndpointState } from '../deliveries/attempt-result.ts'
import type { DeliveryStore } from '../store/store.ts'

/** Stores results, each as far as the database will have it. */
export interface ResultRecorder {
  /**
   * Stores results in as few transactions as it can: one, unless something is refused.
   *
   * @param done - called with one part after the other, in their order, that needs no further try.
   * @throws what the database says when it is away, or in trouble.
   */
  record(batch: readonly AttemptResult[], done: (part: readonly AttemptResult[]) => void): Promise<void>
}

/** What {@link createResultRecorder} works with. */
export interface ResultRecorderParts {
  readonly store: DeliveryStore
  readonly logger: Logger
  /** How the endpoints of results do, where that has changed. */
  statesOf(results: readonly AttemptResult[]): readonly EndpointState[]
  /** Tells the host of what is worth it, inside of the transaction. */
  readonly tell: Parameters<DeliveryStore['recordAttempts']>[1]
  /** Called after each commit, with what it has written. */
  recorded(results: readonly AttemptResult[], states: readonly EndpointState[]): void
}

/** What is left out of a result that was refused whole. */
interface Reduction {
  readonly without: string
  readonly reduce: (result: AttemptResult) => AttemptResult
  readonly isTold: boolean
  readonly hasState: boolean
}

const withoutTexts = (result: AttemptResult) => ({ ...result, errorMessage: null, responseBody: null })
const REDUCTIONS: readonly Reduction[] = [
  { without: "the consumer's answer", reduce: withoutTexts, isTold: true, hasState: true },
  { without: 'telling the host of it', reduce: withoutTexts, isTold: false, hasState: true },
  {
    without: 'its attempt',
    reduce: (result) => ({ ...withoutTexts(result), counted: false, notice: null }),
    isTold: false,
    hasState: false,
  },
]

/**
 * Creates what stores results. One that can never be stored (a constraint or trigger of the host's, text
 * that the database does not take) must not hold up the others: a batch that is refused is split until
 * the one in question is alone. That is stored without what may be wrong with it, and at last set aside.
 */
export function createResultRecorder(parts: ResultRecorderParts): ResultRecorder {
  const { store, logger, statesOf, tell, recorded } = parts

  async function storeAs(
    results: readonly AttemptResult[],
    { isTold, hasState }: Pick<Reduction, 'isTold' | 'hasState'>,
    done: (part: readonly AttemptResult[]) => void,
  ): Promise<void> {
    const states = hasState ? statesOf(results) : []
    await store.recordAttempts({ results, states }, isTold ? tell : async () => {})
    done(results)
    recorded(results, states)
  }

  async function storeReduced(
    result: AttemptResult,
    refusal: unknown,
    done: (part: readonly AttemptResult[]) => void,
  ): Promise<void> {
    const { endpointKey, messageKey, number } = result
    const details = { endpoint: endpointKey, message: messageKey, attempt: number }
    let err = refusal
    for (const { without, reduce, ...how } of REDUCTIONS) {
      try {
        await storeAs([reduce(result)], how, done)
        logger.error({ err, ...details }, `An attempt was refused; it is recorded without ${without}`)
        return
      } catch (error) {
        if (!isRefusal(error)) throw error
        err = error
      }
    }
    done([result])
    // Its endpoint goes on to know it: read again, it would be sent again and again.
    logger.error(
      { err, ...details },
      'An attempt cannot be recorded; its delivery stays pending, and is attempted again after a restart',
    )
  }

  const record: ResultRecorder['record'] = async (batch, done) => {
    try {
      await storeAs(batch, { isTold: true, hasState: true }, done)
    } catch (error) {
      if (!isRefusal(error)) throw error
      const [first] = batch
      if (first && batch.length === 1) return storeReduced(first, error, done)
      const half = Math.ceil(batch.length / 2)
      await record(batch.slice(0, half), done)
      await record(batch.slice(half), done)
    }
  }

  return { record }
}
