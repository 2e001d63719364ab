import { Search } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'
import type { RaisedEvent, SearchPage } from '../api-types.ts'
import { shortTime } from '../format.ts'
import { go, href, useHashRoute, withQuery } from '../hash-route.ts'
import { Button } from '../parts/button.tsx'
import { Empty } from '../parts/empty.tsx'
import { EventTypeField } from '../parts/event-type-field.tsx'
import { Field } from '../parts/field.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Pager, usePages } from '../parts/pager.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { TextFilter } from '../parts/text-filter.tsx'
import { Time } from '../parts/time.tsx'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'

/** The filters as they stand in the address, and what the API calls them. */
const FILTERS = { entity: 'entityName', id: 'entityId', type: 'eventType' } as const

/** What has happened, whether or not an endpoint got it. */
export function EventsPage() {
  const { query } = useHashRoute()
  const pages = usePages()
  const wanted = new URLSearchParams({ limit: '50' })
  for (const [name, parameter] of Object.entries(FILTERS)) {
    const value = query.get(name)
    if (value) wanted.set(parameter, value)
  }
  if (pages.before !== undefined) wanted.set('before', pages.before)
  const resource = useResource<SearchPage<RaisedEvent>>(`raised-events?${wanted}`)
  return (
    <>
      <PageHead title={t.events.title} about={t.events.about} />
      <LookUp />
      <Filters />
      <section className="card" aria-label={t.events.found} tabIndex={-1} ref={pages.list}>
        <ResourceView resource={resource}>
          {({ items, next, searchedBackTo }) => (
            <>
              {items.length === 0 ? (
                <Empty title={t.events.none}>
                  <p>{t.events.noneAbout}</p>
                </Empty>
              ) : (
                <ul className="rows">
                  {items.map((event) => (
                    <EventItem key={event.id} event={event} />
                  ))}
                </ul>
              )}
              <Pager pages={pages} next={next} searchedBackTo={searchedBackTo} />
            </>
          )}
        </ResourceView>
      </section>
    </>
  )
}

/** Goes straight to an event whose id is known. */
function LookUp() {
  const [text, setText] = useState('')
  const id = useId()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (text.trim() !== '') go(href(['events', text.trim()]))
  }
  return (
    <form className="field" onSubmit={submit}>
      <label htmlFor={id}>{t.deliveries.eventId}</label>
      <div className="row">
        <span className="search-box">
          <Search aria-hidden />
          <input
            id={id}
            className="input mono"
            placeholder="evt_…"
            autoComplete="off"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </span>
        <Button type="submit">{t.events.lookUp}</Button>
      </div>
    </form>
  )
}

function Filters() {
  const route = useHashRoute()
  const valueOfFilter = (name: keyof typeof FILTERS) => route.query.get(name) ?? ''
  const change = (name: keyof typeof FILTERS, value: string) =>
    value !== valueOfFilter(name) && go(withQuery(route, { [name]: value, before: '' }))
  const text = (name: 'entity' | 'id', label: string, placeholder: string) => (
    <Field label={label}>
      {(control) => (
        <TextFilter
          {...control}
          placeholder={placeholder}
          value={valueOfFilter(name)}
          onChange={(value) => change(name, value)}
        />
      )}
    </Field>
  )
  return (
    <search className="filters">
      {text('entity', t.filter.entity, 'File')}
      {text('id', t.events.entityId, '42')}
      <EventTypeField value={valueOfFilter('type')} onChange={(value) => change('type', value)} />
    </search>
  )
}

function EventItem({ event }: { readonly event: RaisedEvent }) {
  const { id, eventType, entityName, entityId, raisedOn } = event
  return (
    <li>
      <a className="row-link event-row" href={href(['events', id])}>
        <span className="mono">{eventType}</span>
        <span className="small quiet">{`${entityName} ${entityId}`}</span>
        <span className="small quiet event-when">
          <span className="exact">{`${shortTime(raisedOn)} · `}</span>
          <Time at={raisedOn} />
        </span>
      </a>
    </li>
  )
}
