import { Search } from 'lucide-react'
import { useId } from 'react'
import type { Delivery, SearchPage } from '../api-types.ts'
import { go, href, useHashRoute, withQuery } from '../hash-route.ts'
import { Button } from '../parts/button.tsx'
import { DeliveryList } from '../parts/delivery-list.tsx'
import { Disclosure } from '../parts/disclosure.tsx'
import { Empty } from '../parts/empty.tsx'
import { EndpointField } from '../parts/endpoint-field.tsx'
import { EventTypeField } from '../parts/event-type-field.tsx'
import { Field } from '../parts/field.tsx'
import { Pager, usePages } from '../parts/pager.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { TextFilter } from '../parts/text-filter.tsx'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'
import { localInputTime, timeOfLocalInput } from '../zoned-time.ts'
import { BulkActions } from './bulk-actions.tsx'
import {
  type DeliveryFilters,
  type FilterName,
  MORE_FILTERS,
  NO_FILTERS,
  queryName,
  useDeliveryFilters,
} from './delivery-filters.ts'

const STATES = ['pending', 'succeeded', 'exhausted', 'cancelled', 'pull'] as const

/** Deliveries, searched and filtered, newest first; what is searched for and the page stand in the address. */
export function DeliverySearch({ endpointId }: { readonly endpointId?: string }) {
  const filters = useDeliveryFilters(endpointId)
  const pages = usePages()
  const query = new URLSearchParams({ ...filters.wanted, limit: '50' })
  if (pages.before !== undefined) query.set('before', pages.before)
  const resource = useResource<SearchPage<Delivery>>(`deliveries?${query}`)
  return (
    <>
      <Filters hasEndpoint={endpointId === undefined} filters={filters} />
      {filters.isFiltered && <BulkActions wanted={filters.wanted} />}
      <section className="card" aria-label={t.deliveries.found} tabIndex={-1} ref={pages.list}>
        <ResourceView resource={resource}>
          {({ items, next, searchedBackTo }) => (
            <>
              {items.length > 0 && (
                <DeliveryList deliveries={items} withEndpoints={endpointId === undefined} />
              )}
              {items.length === 0 && <Nothing isFiltered={filters.isFiltered} />}
              <Pager pages={pages} next={next} searchedBackTo={searchedBackTo} />
            </>
          )}
        </ResourceView>
      </section>
    </>
  )
}

function Nothing({ isFiltered }: { readonly isFiltered: boolean }) {
  const route = useHashRoute()
  return isFiltered ? (
    <Empty title={t.deliveries.noMatch}>
      <div className="row">
        <a href={withQuery(route, NO_FILTERS)}>{t.deliveries.showAll}</a>
        <a href={href(['events'])}>{t.deliveries.lookUpEvent}</a>
      </div>
    </Empty>
  ) : (
    <Empty title={t.deliveries.none}>
      <p>{t.deliveries.noneAbout}</p>
      <a href={href(['endpoints'])}>{t.deliveries.toEndpoints}</a>
    </Empty>
  )
}

interface FiltersProps {
  readonly hasEndpoint: boolean
  readonly filters: DeliveryFilters
}

function Filters({ hasEndpoint, filters }: FiltersProps) {
  const route = useHashRoute()
  const { valueOfFilter, isFiltered } = filters
  const id = useId()
  const change = (name: FilterName, value: string) =>
    value !== valueOfFilter(name) && go(withQuery(route, { [queryName(name)]: value, before: '' }))
  return (
    <search className="stack-tight">
      <div className="filters">
        <div className="field wide">
          <label htmlFor={id}>{t.deliveries.search}</label>
          <span className="search-box">
            <Search aria-hidden />
            <TextFilter
              id={id}
              type="search"
              placeholder={t.deliveries.searchHint}
              value={valueOfFilter('search')}
              onChange={(value) => change('search', value)}
            />
          </span>
        </div>
        <Field label={t.deliveries.state}>
          {(control) => (
            <select
              {...control}
              className="input"
              value={valueOfFilter('state')}
              onChange={(event) => change('state', event.target.value)}
            >
              <option value="">{t.deliveries.anyState}</option>
              {STATES.map((state) => (
                <option key={state} value={state}>
                  {t.deliveries.states[state]}
                </option>
              ))}
            </select>
          )}
        </Field>
        {hasEndpoint && (
          <EndpointField value={valueOfFilter('endpoint')} onChange={(value) => change('endpoint', value)} />
        )}
        <EventTypeField value={valueOfFilter('type')} onChange={(value) => change('type', value)} />
      </div>
      <MoreFilters filters={filters} onChange={change} />
      {isFiltered && (
        <div>
          <Button kind="plain" slim onClick={() => go(withQuery(route, NO_FILTERS))}>
            {t.deliveries.clear}
          </Button>
        </div>
      )}
    </search>
  )
}

interface MoreFiltersProps {
  readonly filters: DeliveryFilters
  readonly onChange: (name: FilterName, value: string) => void
}

function MoreFilters({ filters: { valueOfFilter }, onChange }: MoreFiltersProps) {
  const isUsed = MORE_FILTERS.some((name) => valueOfFilter(name) !== '')
  const text = (name: FilterName, label: string, placeholder: string) => (
    <Field label={label}>
      {(control) => (
        <TextFilter
          {...control}
          placeholder={placeholder}
          value={valueOfFilter(name)}
          onChange={(value) => onChange(name, value)}
        />
      )}
    </Field>
  )
  const time = (name: FilterName, label: string) => {
    const shown = localInputTime(Date.parse(valueOfFilter(name)))
    // Left as it was, it keeps its seconds, which the input does not show.
    const leave = (text: string) => text !== shown && onChange(name, timeOfLocalInput(text) ?? '')
    return (
      <Field label={label}>
        {(control) => (
          <input
            {...control}
            type="datetime-local"
            className="input"
            defaultValue={shown}
            key={shown}
            onBlur={(event) => leave(event.target.value)}
            onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
          />
        )}
      </Field>
    )
  }
  return (
    <Disclosure opens={isUsed}>
      <summary className="small">{t.deliveries.moreFilters}</summary>
      <div className="filters">
        {text('status', t.deliveries.status, '503, 5xx')}
        <Field label={t.deliveries.error}>
          {(control) => (
            <select
              {...control}
              className="input"
              value={valueOfFilter('error')}
              onChange={(event) => onChange('error', event.target.value)}
            >
              <option value="">{t.deliveries.anyError}</option>
              {Object.entries(t.attemptErrorNames).map(([code, title]) => (
                <option key={code} value={code}>
                  {title}
                </option>
              ))}
            </select>
          )}
        </Field>
        {time('after', t.range.from)}
        {time('before', t.range.until)}
        {text('event', t.deliveries.eventId, 'evt_…')}
        <label className="check">
          <input
            type="checkbox"
            checked={valueOfFilter('failed') === 'true'}
            onChange={(event) => onChange('failed', event.target.checked ? 'true' : '')}
          />
          <span>{t.deliveries.hasFailed}</span>
        </label>
      </div>
    </Disclosure>
  )
}
