import type { Delivery, Page } from '../api-types.ts'
import { go, href, useHashRoute, withQuery } from '../hash-route.ts'
import { Button } from '../parts/button.tsx'
import { DeliveryList } from '../parts/delivery-list.tsx'
import { Empty } from '../parts/empty.tsx'
import { EndpointField } from '../parts/endpoint-field.tsx'
import { EventTypeField } from '../parts/event-type-field.tsx'
import { Field } from '../parts/field.tsx'
import { Pager, usePages } from '../parts/pager.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'

const STATES = ['pending', 'succeeded', 'exhausted', 'cancelled', 'pull'] as const

/** The filters as they stand in the address, and what the API calls them. */
const FILTERS = { state: 'state', endpoint: 'endpointId', type: 'eventType' } as const
type FilterName = keyof typeof FILTERS

/** Deliveries with filters, newest first; the filters and the page stand in the address. */
export function DeliverySearch({ endpointId }: { readonly endpointId?: string }) {
  const { query } = useHashRoute()
  const names = (Object.keys(FILTERS) as FilterName[]).filter((name) => query.get(name))
  const pages = usePages()
  const wanted = new URLSearchParams({ limit: '50' })
  for (const name of names) wanted.set(FILTERS[name], query.get(name) ?? '')
  if (endpointId !== undefined) wanted.set('endpointId', endpointId)
  if (pages.before !== undefined) wanted.set('before', pages.before)
  const resource = useResource<Page<Delivery>>(`deliveries?${wanted}`)
  return (
    <>
      <Filters hasEndpoint={endpointId === undefined} isFiltered={names.length > 0} />
      <section className="card" aria-label={t.shell.deliveries} tabIndex={-1} ref={pages.list}>
        <ResourceView resource={resource}>
          {({ items, next }) => (
            <>
              {items.length > 0 && (
                <DeliveryList deliveries={items} withEndpoints={endpointId === undefined} />
              )}
              {items.length === 0 && <Nothing isFiltered={names.length > 0} />}
              <Pager pages={pages} next={next} />
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
      <a href={withQuery(route, NO_FILTERS)}>{t.deliveries.showAll}</a>
    </Empty>
  ) : (
    <Empty title={t.deliveries.none}>
      <p>{t.deliveries.noneAbout}</p>
      <a href={href(['endpoints'])}>{t.deliveries.toEndpoints}</a>
    </Empty>
  )
}

const NO_FILTERS = { ...Object.fromEntries(Object.keys(FILTERS).map((name) => [name, ''])), before: '' }

interface FiltersProps {
  readonly hasEndpoint: boolean
  readonly isFiltered: boolean
}

function Filters({ hasEndpoint, isFiltered }: FiltersProps) {
  const route = useHashRoute()
  const filterOf = (name: FilterName) => route.query.get(name) ?? ''
  const change = (name: FilterName, value: string) =>
    value !== filterOf(name) && go(withQuery(route, { [name]: value, before: '' }))
  return (
    <search className="filters">
      <Field label={t.deliveries.state}>
        {(control) => (
          <select
            {...control}
            className="input"
            value={filterOf('state')}
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
        <EndpointField value={filterOf('endpoint')} onChange={(value) => change('endpoint', value)} />
      )}
      <EventTypeField value={filterOf('type')} onChange={(value) => change('type', value)} />
      {isFiltered && (
        <Button kind="plain" onClick={() => go(withQuery(route, NO_FILTERS))}>
          {t.deliveries.clear}
        </Button>
      )}
    </search>
  )
}
