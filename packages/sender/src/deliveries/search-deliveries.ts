import type { FieldNames } from '@x/events-core'
import { readLimit } from '../argument.ts'
import { assertArgument } from '../errors.ts'
import { deliveryIdOf, isUniqueId, parseDeliveryId } from '../ids.ts'
import { type FoundDelivery, newestFirst } from '../store/delivery-sources.ts'
import type { DeliveryStore } from '../store/store.ts'
import { createTurns } from '../turns.ts'
import type {
  Delivery,
  DeliveryCount,
  DeliveryFilter,
  DeliveryPage,
  ListDeliveries,
  SearchDeliveries,
} from './delivery.ts'
import type { DeliveryKey } from './delivery-row.ts'
import { countDeliveries, findDeliveries } from './find-deliveries.ts'
import {
  type CheckedFilter,
  createFilterTest,
  FILTER,
  isImpossible,
  readFilter,
  readText,
} from './read-filter.ts'
import type { DeliveryReasons } from './reasons.ts'

/** A search, or a count, looks at so many deliveries. */
const LIST: FieldNames<ListDeliveries> = { ...FILTER, before: true, limit: true }
const SEARCH: FieldNames<SearchDeliveries> = { ...LIST, search: true }
const MAX_LOOKED_AT = 2_500
/** A search for a text reads so many bodies, and so much of them. */
const MAX_BODIES = 500
const MAX_CHARACTERS = 4_000_000
/** Bodies may be large: what is read, composed and looked at in one turn. */
const BODIES_AT_ONCE = 10
/** A search for a text leaves out much: it begins with so many deliveries. */
const SEARCHED_AT_FIRST = 200
/** What an index alone can tell is counted up to so many. */
const MAX_COUNTED = 10_000

interface SearchedPage {
  readonly before: DeliveryKey | undefined
  readonly limit: number
  readonly text?: string
}

/** Creates the lists and searches of deliveries. */
export function createDeliverySearch(store: DeliveryStore, { describe }: Pick<DeliveryReasons, 'describe'>) {
  /** Leaves out what does not contain a text. A body may be large: some are read at a time. */
  function createTextSearch(wanted: string) {
    const text = wanted.toLowerCase()
    // As it stands in a body, whether it is a part of a string or of the JSON around it.
    const written = [text, JSON.stringify(wanted).slice(1, -1).toLowerCase()]
    const endLongTurn = createTurns()
    const budget = { bodies: MAX_BODIES, characters: MAX_CHARACTERS }
    return {
      isUsedUp: () => budget.bodies <= 0 || budget.characters <= 0,
      async contains(deliveries: readonly FoundDelivery[]): Promise<FoundDelivery[]> {
        const keys = deliveries.map(({ messageKey }) => messageKey)
        const stored = await store.readBodies(undefined, keys)
        const others = keys.filter((key) => !stored.has(key))
        const composed = others.length === 0 ? undefined : await store.composeAgain(others)
        budget.bodies -= deliveries.length
        const found: FoundDelivery[] = []
        for (const delivery of deliveries) {
          const turn = endLongTurn()
          if (turn) await turn
          const { messageKey, endpointUrl } = delivery
          const { body = '' } = stored.get(messageKey) ?? composed?.get(messageKey) ?? {}
          budget.characters -= body.length
          const looked = body.toLowerCase()
          if (endpointUrl?.toLowerCase().includes(text) || written.some((one) => looked.includes(one))) {
            found.push(delivery)
          }
        }
        return found
      },
    }
  }

  /** The delivery of an id, if the filter lets it through. */
  async function findOne(key: DeliveryKey, filter: CheckedFilter): Promise<DeliveryPage> {
    const [candidate] = await store.newestDeliveries('all', [key.endpointKey], {
      first: key.messageKey,
      before: { messageKey: key.messageKey, endpointKey: key.endpointKey + 1 },
      limit: 1,
    })
    const row = candidate?.row
    const isOwn = row !== undefined && row.tenantId === filter.tenantId && isOfOwner(row, filter)
    return { items: isOwn && createFilterTest(filter)(row) ? await describe([row]) : [] }
  }

  async function fullPage(items: readonly FoundDelivery[], limit: number): Promise<DeliveryPage> {
    const shown = items.slice(0, limit)
    return { items: await describe(shown), next: deliveryIdOf(shown.at(-1) as FoundDelivery) }
  }

  async function endedAt(
    items: readonly FoundDelivery[],
    next: DeliveryKey,
    lookedBackTo: number,
  ): Promise<DeliveryPage> {
    const searchedBackTo = new Date(lookedBackTo)
    return { items: await describe(items), next: deliveryIdOf(next), searchedBackTo }
  }

  async function searchIn(
    filter: CheckedFilter,
    { before, limit, text }: SearchedPage,
  ): Promise<DeliveryPage> {
    const items: FoundDelivery[] = []
    const search = text === undefined ? undefined : createTextSearch(text)
    let count = 0
    const wanted = search ? Math.max(limit + 1, SEARCHED_AT_FIRST) : limit + 1
    // One more than is shown, to know whether there is another page.
    for await (const { lookedAt, found, backTo, next } of findDeliveries(store, filter, {
      before,
      wanted,
      isSelective: search !== undefined,
    })) {
      for (let begin = 0; begin < found.length; begin += BODIES_AT_ONCE) {
        const some = found.slice(begin, begin + BODIES_AT_ONCE)
        items.push(...(search ? await search.contains(some) : some))
        if (items.length > limit) return fullPage(items, limit)
        const last = some.at(-1)
        const isRest = begin + BODIES_AT_ONCE >= found.length
        if (search?.isUsedUp() && last && !(isRest && !next)) return endedAt(items, last, last.createdOn)
      }
      count += lookedAt
      if (count >= MAX_LOOKED_AT && next && backTo !== undefined) return endedAt(items, next, backTo)
    }
    return { items: await describe(items) }
  }

  function readPage({ before, limit }: Partial<ListDeliveries>) {
    const key = parseDeliveryId(before)
    assertArgument(before === undefined || key !== undefined, 'before', 'the id of a delivery', before)
    return { before: key, limit: readLimit(limit) }
  }

  return {
    async list(query: ListDeliveries): Promise<readonly Delivery[]> {
      const given = assertArgument.fields('', query, LIST)
      const filter = readFilter(given)
      const { before, limit } = readPage(given)
      const items: FoundDelivery[] = []
      for await (const { found } of findDeliveries(store, filter, { before, wanted: limit })) {
        items.push(...found)
        if (items.length >= limit) break
      }
      return describe(items.slice(0, limit))
    },

    async search(query: SearchDeliveries): Promise<DeliveryPage> {
      const given = assertArgument.fields('', query, SEARCH)
      const filter = readFilter(given)
      const page = readPage(given)
      const text = readText('search', given.search)?.trim()
      if (!text || isImpossible(filter)) return isImpossible(filter) ? { items: [] } : searchIn(filter, page)
      const key = parseDeliveryId(text)
      if (key) return page.before && newestFirst(page.before, key) >= 0 ? { items: [] } : findOne(key, filter)
      for (const [prefix, field] of [
        ['evt_', 'eventId'],
        ['ep_', 'endpointId'],
      ] as const) {
        if (!isUniqueId(prefix, text)) continue
        const isOther = filter[field] !== undefined && filter[field] !== text
        return isOther ? { items: [] } : searchIn({ ...filter, [field]: text }, page)
      }
      return searchIn(filter, { ...page, text })
    },

    count: async (query: DeliveryFilter): Promise<DeliveryCount> =>
      countDeliveries(store, readFilter(assertArgument.fields('', query, FILTER)), {
        counted: MAX_COUNTED,
        lookedAt: MAX_LOOKED_AT,
      }),
  }
}

function isOfOwner(row: FoundDelivery, { endpointId, eventId, url }: CheckedFilter): boolean {
  return (
    (endpointId === undefined || row.endpointId === endpointId) &&
    (eventId === undefined || row.eventId === eventId) &&
    (url === undefined || (row.endpointUrl ?? '').toLowerCase().includes(url.toLowerCase()))
  )
}
