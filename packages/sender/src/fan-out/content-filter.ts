import type { FilterValue } from './filter-tests.ts'

/** Conditions on one value; all of them have to hold. A list fulfils one when a member of it does. */
export interface FilterOperators {
  /** Equal, of the same type. Two dates (RFC 3339) are equal when they are the same instant; `null` is also what is missing. */
  readonly $eq?: FilterValue | undefined
  readonly $ne?: FilterValue | undefined
  /** Numbers with numbers; dates with dates, as instants; other strings with strings, by their UTF-16 code units. */
  readonly $gt?: number | string | undefined
  readonly $gte?: number | string | undefined
  readonly $lt?: number | string | undefined
  readonly $lte?: number | string | undefined
  /** Equal to one of 1 to 100. */
  readonly $in?: readonly FilterValue[] | undefined
  readonly $nin?: readonly FilterValue[] | undefined
  /** Whether there is a value at all, `null` included. */
  readonly $exists?: boolean | undefined
  readonly $startsWith?: string | undefined
  readonly $endsWith?: string | undefined
  /** Capitals count, as everywhere. */
  readonly $contains?: string | undefined
  /** A list that has each of 1 to 100. */
  readonly $all?: readonly FilterValue[] | undefined
  /** A list with one member that fulfils all of it: conditions on the member, or on paths within it. */
  readonly $elemMatch?: FilterOperators | ElementFilter | undefined
  readonly $not?: FilterOperators | undefined
}

/** A value to be equal to, or conditions. */
export type FilterCondition = FilterValue | FilterOperators

/** What `$elemMatch` wants of a list's member, by paths within that. */
export interface ElementFilter {
  readonly [path: string]: FilterCondition | ElementFilter | readonly ElementFilter[] | undefined
}

/**
 * Which messages an endpoint wants, by what they carry: conditions by path, all of which have to hold. The operators are
 * those of MongoDB, as far as they compare; there are no regular expressions, and nothing is executed.
 *
 * At most 4000 characters as JSON, 64 conditions, and 8 levels. A filter sees the message as the endpoint would get it.
 *
 * @example
 * ```ts
 * import type { ContentFilter } from '@x/sender'
 *
 * const largeOrUrgent: ContentFilter = {
 *   $changed: ['status'],
 *   $or: [{ 'data.entity.total': { $gt: 100 } }, { 'data.entity.tags': 'urgent' }],
 * }
 * ```
 */
export interface ContentFilter {
  readonly [path: `data.${string}`]: FilterCondition | undefined
  readonly type?: FilterCondition | undefined
  readonly timestamp?: FilterCondition | undefined
  readonly $and?: readonly ContentFilter[] | undefined
  readonly $or?: readonly ContentFilter[] | undefined
  readonly $nor?: readonly ContentFilter[] | undefined
  readonly $not?: ContentFilter | undefined
  /** One of these columns has changed: an Update of a table that `engine.captureTable` captures with `data`. */
  readonly $changed?: readonly string[] | undefined
}

/** What a condition asks of the value at a path: what a schema can tell to be impossible. */
export interface FilterUse {
  /** From the root of the message. */
  readonly path: readonly string[]
  /** Where it stands in the filter: `filter.$or[1].data.entity.total.$gt`. */
  readonly field: string
  /** The type that the value would have, or a member of the list; undefined where any does. */
  readonly type: 'string' | 'number' | 'boolean' | 'array' | undefined
}

/** A filter that is sound. */
export interface CompiledFilter {
  /** A copy, as it is stored. */
  readonly filter: ContentFilter
  readonly uses: readonly FilterUse[]
  /**
   * @param message - `type`, `timestamp` and `data`, as JSON has them.
   * @throws FilterTooCostly where it takes more than a bounded number of steps.
   */
  matches(message: object): boolean
}
