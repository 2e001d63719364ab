import { readWhole } from './read-query.ts'

/** One page of a list. */
export interface Page<TItem> {
  readonly items: readonly TItem[]
  /** To be given as `before` for the next page; null on the last. */
  readonly next: string | null
}

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 100

/** @throws PortalProblem 400 */
export function readLimit(query: URLSearchParams): number {
  return readWhole(query, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT
}

/**
 * Reads one item more than is shown, to know whether there is another page.
 *
 * @param read - gives at most so many items, the first ones.
 */
export async function pageOf<TItem extends { readonly id: string }>(
  limit: number,
  read: (limit: number) => Promise<readonly TItem[]>,
): Promise<Page<TItem>> {
  const found = await read(limit + 1)
  const items = found.slice(0, limit)
  return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null }
}
