import type { CatchUpSource } from './catch-up.ts'
import type { SequenceStore } from './sequence-store.ts'

/** Options of a receiver that watches the numbers of an endpoint's messages. */
export interface SequenceOptions {
  /**
   * Keeps what was handled: `memorySequenceStore()`. With an `inbox` it is left out: the number is noted in the
   * transaction of the handlers.
   */
  readonly store?: SequenceStore | undefined
  /**
   * `'sequence'`: handlers run in the order of the numbers. A message that comes early is answered with 409, and sent
   * again by the sender; fetched sooner where there is a `catchUp`. Let the sender deliver one after the other.
   *
   * @defaultValue 'any': handlers run as messages come
   */
  readonly order?: 'any' | 'sequence' | undefined
  /**
   * The number to begin with for an endpoint that is not known yet; `'first'`: that of the first message that comes.
   *
   * @defaultValue 1: what is missing from the beginning is told
   */
  readonly start?: number | 'first' | undefined
  /**
   * Where to fetch from what is missing, by itself: a second after a gap was found, or at once where the order is kept. By
   * the endpoint's id where messages of several come here; undefined for an endpoint that nothing is fetched for.
   *
   * @defaultValue none: call `receiver.catchUp`
   */
  readonly catchUp?: CatchUpSource | ((endpoint: string) => CatchUpSource | undefined) | undefined
}

/** {@link SequenceOptions}, complete. */
export interface SequenceSettings {
  readonly store: SequenceStore
  /** Whether an inbox notes numbers in the transaction of the handlers. */
  readonly hasInbox: boolean
  readonly isOrdered: boolean
  readonly start: number | 'first'
  /** Undefined where nothing is fetched by itself. */
  readonly sourceOf: ((endpoint: string) => CatchUpSource | undefined) | undefined
}
