import type { Assertion, FieldNames } from '@x/events-core'
import type { SequenceLink } from '@x/signature'
import { createOptionAssertion } from './assert.ts'

/** A numbered message that was handled. */
export interface SequenceMark extends SequenceLink {
  /** The `webhook-id`. */
  readonly id: string
  /** The body's SHA-256, in base64. */
  readonly digest: string
}

/** Up to where all messages of an endpoint were handled, or are lost. */
export interface SequencePlace {
  readonly sequence: number
  /** The chain hash of that message; empty where it is not known, since the message is lost. */
  readonly chain: string
}

/** Keeps which numbered messages a receiver has handled. An inbox has one; another is {@link memorySequenceStore}. */
export interface SequenceStore {
  /** The place that was saved last; undefined for an endpoint that none was saved of. */
  place(endpoint: string): SequencePlace | undefined | Promise<SequencePlace | undefined>
  /** Saves a place, unless a later one was. */
  savePlace(endpoint: string, place: SequencePlace): void | Promise<void>
  /** Messages after a number, in the order of their numbers. Two may have the same. */
  marks(
    endpoint: string,
    after: number,
    limit: number,
  ): readonly SequenceMark[] | Promise<readonly SequenceMark[]>
  /** Notes the number of a message that was handled; an inbox mostly has done it in the transaction of the handlers. */
  add(mark: SequenceMark): void | Promise<void>
}

/** Options of {@link memorySequenceStore}. */
export interface MemorySequenceStoreOptions {
  /**
   * How many messages of an endpoint to remember besides those after a gap; the oldest are forgotten first.
   *
   * @defaultValue 1_000
   */
  readonly maxMarks?: number | undefined
}

const NAMES: FieldNames<MemorySequenceStoreOptions> = { maxMarks: true }
const assertOption: Assertion = createOptionAssertion('memorySequenceStore')

/**
 * Keeps the place of each endpoint in memory, for a consumer of one process, and for tests: after a restart it begins
 * anew. An inbox keeps it in the consumer's database.
 *
 * @throws EventsError (`invalid_argument`) when an option cannot be used.
 *
 * @example
 * ```ts
 * import { createReceiver, memorySequenceStore } from '@x/receiver'
 *
 * const receiver = createReceiver({
 *   secrets: process.env['WEBHOOK_SECRET']!,
 *   sequence: { store: memorySequenceStore() },
 * })
 * receiver.onGap((notice) => console.warn(notice))
 * ```
 */
export function memorySequenceStore(options: MemorySequenceStoreOptions = {}): SequenceStore {
  const { maxMarks = 1_000 } = assertOption.fields('', options, NAMES)
  assertOption.integer('maxMarks', maxMarks, 1, Number.MAX_SAFE_INTEGER)
  const places = new Map<string, SequencePlace>()
  /** By endpoint, in the order of their numbers. */
  const marksOf = new Map<string, SequenceMark[]>()

  return {
    place: (endpoint) => places.get(endpoint),
    savePlace(endpoint, place) {
      if (place.sequence < (places.get(endpoint)?.sequence ?? 0)) return
      places.set(endpoint, place)
      const marks = marksOf.get(endpoint) ?? []
      const passed = marks.findIndex(({ sequence }) => sequence > place.sequence)
      const old = (passed < 0 ? marks.length : passed) - maxMarks
      if (old > 0) marks.splice(0, old)
    },
    marks(endpoint, after, limit) {
      const marks = marksOf.get(endpoint) ?? []
      let begin = marks.length
      while (begin > 0 && (marks[begin - 1]?.sequence ?? 0) > after) begin -= 1
      return marks.slice(begin, begin + limit)
    },
    add(mark) {
      const marks = marksOf.get(mark.endpoint) ?? []
      marksOf.set(mark.endpoint, marks)
      let at = marks.length
      while (at > 0 && (marks[at - 1]?.sequence ?? 0) > mark.sequence) at -= 1
      marks.splice(at, 0, mark)
    },
  }
}
