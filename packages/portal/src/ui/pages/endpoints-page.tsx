import { Plus, Search } from 'lucide-react'
import { useEffect, useId } from 'react'
import type { EndpointSummary, ListedEndpoint, Page } from '../api-types.ts'
import { percent } from '../format.ts'
import { go, href, rememberPlace, useHashRoute, withQuery } from '../hash-route.ts'
import { EndpointBadge } from '../parts/badge.tsx'
import { Empty } from '../parts/empty.tsx'
import { endpointName } from '../parts/endpoint-name.ts'
import { Field } from '../parts/field.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Pager, usePages } from '../parts/pager.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { Sparkline } from '../parts/sparkline.tsx'
import { TextFilter } from '../parts/text-filter.tsx'
import { t } from '../preferences.ts'
import { resultText } from '../reason-text.ts'
import { useResource } from '../resources.ts'
import { useUser } from '../session.ts'

const SHOWN_TYPES = 4
const STATES = ['healthy', 'failing', 'paused', 'disabled'] as const

/** Every endpoint of the tenant, and how it does: those that fail first. */
export function EndpointsPage() {
  const { role } = useUser()
  const { query } = useHashRoute()
  const pages = usePages()
  const wanted = new URLSearchParams({ limit: '50', withSummary: 'true', sort: 'failing' })
  for (const name of ['search', 'health']) {
    const value = query.get(name)
    if (value) wanted.set(name, value)
  }
  if (pages.before !== undefined) wanted.set('before', pages.before)
  const resource = useResource<Page<ListedEndpoint>>(`endpoints?${wanted}`)
  const isFiltered = wanted.has('search') || wanted.has('health')
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change of the address is remembered
  useEffect(() => rememberPlace('endpoints'), [query])
  const add = role === 'manager' && (
    <a className="button primary" href={href(['endpoints', 'new'])}>
      <Plus aria-hidden /> {t.endpoints.add}
    </a>
  )
  return (
    <>
      <PageHead title={t.shell.endpoints} about={t.endpoints.about}>
        {add}
      </PageHead>
      <Filters />
      <section className="card" aria-label={t.endpoints.found} tabIndex={-1} ref={pages.list}>
        <ResourceView resource={resource}>
          {({ items, next }) =>
            items.length > 0 ? (
              <>
                <ul className="rows">
                  {items.map((endpoint) => (
                    <EndpointItem key={endpoint.id} endpoint={endpoint} />
                  ))}
                </ul>
                <Pager pages={pages} next={next} />
              </>
            ) : isFiltered ? (
              <Empty title={t.endpoints.noMatch}>
                <a href={href(['endpoints'])}>{t.endpoints.showAll}</a>
              </Empty>
            ) : (
              <Empty title={t.endpoints.none}>
                <p>{t.endpoints.noneAbout}</p>
                {add}
              </Empty>
            )
          }
        </ResourceView>
      </section>
    </>
  )
}

function Filters() {
  const route = useHashRoute()
  const id = useId()
  const change = (name: 'search' | 'health', value: string) =>
    value !== (route.query.get(name) ?? '') && go(withQuery(route, { [name]: value, before: '' }))
  return (
    <search className="filters">
      <div className="field wide">
        <label htmlFor={id}>{t.deliveries.search}</label>
        <span className="search-box">
          <Search aria-hidden />
          <TextFilter
            id={id}
            type="search"
            placeholder={t.endpoints.searchHint}
            value={route.query.get('search') ?? ''}
            onChange={(value) => change('search', value)}
          />
        </span>
      </div>
      <Field label={t.deliveries.state}>
        {(control) => (
          <select
            {...control}
            className="input"
            value={route.query.get('health') ?? ''}
            onChange={(event) => change('health', event.target.value)}
          >
            <option value="">{t.deliveries.anyState}</option>
            {STATES.map((state) => (
              <option key={state} value={state}>
                {t.states[state]}
              </option>
            ))}
          </select>
        )}
      </Field>
    </search>
  )
}

function EndpointItem({ endpoint }: { readonly endpoint: ListedEndpoint }) {
  const { id, url, description, eventTypes, summary } = endpoint
  const more = eventTypes.length - SHOWN_TYPES
  return (
    <li>
      <a className="row-link endpoint-row" href={href(['endpoints', id])}>
        <span className="endpoint-name" title={endpointName(endpoint)}>
          {endpointName(endpoint)}
        </span>
        <span className="endpoint-state">
          <EndpointBadge endpoint={endpoint} health={summary?.health} />
        </span>
        {url !== undefined && description !== '' && (
          <span className="endpoint-about quiet anywhere">{description}</span>
        )}
        <span className="endpoint-events row">
          {eventTypes.slice(0, SHOWN_TYPES).map((type) => (
            <span className="chip" key={type}>
              {type === '*' ? t.endpoint.allEvents : type}
            </span>
          ))}
          {more > 0 && <span className="small quiet">{t.endpoints.more(more)}</span>}
        </span>
        {summary && url !== undefined && <LastDay summary={summary} />}
      </a>
    </li>
  )
}

/** The last 24 hours of an endpoint, its last failure, and what waits. */
function LastDay({ summary: { lastDay, health } }: { readonly summary: EndpointSummary }) {
  const { succeeded, failed, hours } = lastDay
  const attempts = succeeded + failed
  const last = health.failures.at(-1)
  const facts = [
    attempts === 0 ? t.endpoints.noAttempts : t.endpoints.lastDay(percent(succeeded, attempts), attempts),
    ...(last && health.state !== 'healthy'
      ? [t.endpoints.lastError(resultText(last.status, last.errorCode))]
      : []),
    ...(health.waiting > 0 ? [t.endpoints.waiting(t.more(health.waiting, health.waitingCapped))] : []),
  ]
  return (
    <span className="endpoint-day small quiet">
      {attempts > 0 && <Sparkline hours={hours} />}
      <span>{facts.join(' · ')}</span>
    </span>
  )
}
