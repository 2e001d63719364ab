import { list, nullable, object, type Schema, text, time, whole } from '../describe/schema.ts'
import type { Page, SearchPage } from '../ui/api-types.ts'

export const DEFAULT_LIMIT = 50
const MAX_LIMIT = 100

/** The parameters of every list. */
export const PAGE_QUERY = {
  before: text('The `next` of the page before; without it, the first page.'),
  limit: whole(1, MAX_LIMIT, 'How many items a page has at most.', { default: DEFAULT_LIMIT }),
} as const

const next = nullable(text('To be given as `before` for the next page; null on the last.'))

/** Describes one page of a list. */
export function pageSchema<TItem>(items: Schema<TItem>): Schema<Page<TItem>> {
  return object<Page<TItem>>({ items: list(items), next })
}

/** Describes one page of a search. */
export function searchPageSchema<TItem>(items: Schema<TItem>): Schema<SearchPage<TItem>> {
  return object<SearchPage<TItem>>({
    items: list(items),
    next,
    searchedBackTo: nullable(
      time('How far back it has looked, where it ended before the page was full; null otherwise.'),
    ),
  })
}

/** {@link pageBy} of items that the next page goes on after by their ids. */
export function pageOf<TItem extends { readonly id: string }>(
  limit: number | undefined,
  read: (limit: number) => Promise<readonly TItem[]>,
): Promise<Page<TItem>> {
  return pageBy(limit, read, ({ id }) => id)
}

/**
 * Reads one item more than is shown, to know whether there is another page.
 *
 * @param read - gives at most so many items, the first ones.
 * @param cursorOf - what the next page goes on after.
 */
export async function pageBy<TItem>(
  limit: number | undefined = DEFAULT_LIMIT,
  read: (limit: number) => Promise<readonly TItem[]>,
  cursorOf: (item: TItem) => string,
): Promise<Page<TItem>> {
  const found = await read(limit + 1)
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return { items, next: last !== undefined && found.length > limit ? cursorOf(last) : null }
}
