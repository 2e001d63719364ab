import { useHashRoute } from '../hash-route.ts'

/** The filters as they stand in the address, and what the API calls them. */
const NAMES = {
  search: 'search',
  state: 'state',
  endpoint: 'endpointId',
  type: 'eventType',
  event: 'eventId',
  status: 'status',
  error: 'errorCode',
  failed: 'hasFailedAttempts',
  after: 'createdAfter',
  before: 'createdBefore',
} as const
export type FilterName = keyof typeof NAMES

/** Those that stand below "More filters". */
export const MORE_FILTERS = ['status', 'error', 'event', 'after', 'before', 'failed'] as const

/** Takes every filter, and the page, out of the address. */
export const NO_FILTERS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.keys(NAMES).map((name) => [queryName(name as FilterName), ''])),
  before: '',
}

/** What a filter is called in the address: `before` is what pages of lists begin with. */
export function queryName(name: FilterName): string {
  return name === 'before' ? 'until' : name === 'after' ? 'since' : name
}

/** The filters of the address. */
export interface DeliveryFilters {
  readonly isFiltered: boolean
  valueOfFilter(name: FilterName): string
  /** As the API wants them. */
  readonly wanted: Readonly<Record<string, string>>
}

export function useDeliveryFilters(endpointId: string | undefined): DeliveryFilters {
  const { query } = useHashRoute()
  const valueOfFilter = (name: FilterName) => query.get(queryName(name)) ?? ''
  const set = (Object.keys(NAMES) as FilterName[]).filter((name) => valueOfFilter(name) !== '')
  const wanted = Object.fromEntries(set.map((name) => [NAMES[name], valueOfFilter(name)]))
  return {
    isFiltered: set.length > 0,
    valueOfFilter,
    wanted: endpointId === undefined ? wanted : { ...wanted, endpointId },
  }
}
