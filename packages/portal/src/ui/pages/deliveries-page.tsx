import { useId } from 'react'
import type { Delivery, Endpoint, EventType, Page } from '../api-types.ts'
import { go, href, useHashRoute } from '../hash-route.ts'
import { Button } from '../parts/button.tsx'
import { DeliveryTable } from '../parts/delivery-table.tsx'
import { Empty } from '../parts/empty.tsx'
import { endpointName } from '../parts/endpoint-name.ts'
import { Field } from '../parts/field.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Pager, usePages } from '../parts/pager.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { useResource } from '../resources.ts'

const STATES = [
  ['', 'Any state'],
  ['pending', 'Waiting or retrying'],
  ['succeeded', 'Delivered'],
  ['exhausted', 'Failed'],
  ['cancelled', 'Cancelled'],
  ['pull', 'Kept to be pulled'],
] as const

/** What was sent, newest first; the filters stand in the address. */
export function DeliveriesPage() {
  const { query } = useHashRoute()
  const filter = {
    state: query.get('state') ?? '',
    endpointId: query.get('endpoint') ?? '',
    eventType: query.get('type') ?? '',
  }
  const key = JSON.stringify(filter)
  return (
    <>
      <PageHead title="Deliveries" about="Each event that was sent to an endpoint, and what became of it." />
      <Filters {...filter} />
      <List {...filter} key={key} />
    </>
  )
}

interface FilterProps {
  readonly state: string
  readonly endpointId: string
  readonly eventType: string
}

function List({ state, endpointId, eventType }: FilterProps) {
  const pages = usePages()
  const wanted = Object.entries({ state, endpointId, eventType }).filter(([, value]) => value !== '')
  const resource = useResource<Page<Delivery>>(
    `deliveries?${new URLSearchParams([...wanted, ['limit', '50']])}${pages.query}`,
  )
  const endpoints = useResource<Page<Endpoint>>('endpoints?limit=100').data?.items ?? []
  return (
    <section className="card" aria-label="Deliveries">
      <ResourceView resource={resource}>
        {({ items, next }) =>
          items.length > 0 ? (
            <>
              <DeliveryTable deliveries={items} endpoints={endpoints} />
              <Pager pages={pages} next={next} />
            </>
          ) : wanted.length > 0 ? (
            <Empty title="No delivery fits these filters">
              <a href={href(['deliveries'])}>Show all deliveries</a>
            </Empty>
          ) : (
            <Empty title="Nothing was sent yet">
              <p>As soon as something happens that an endpoint has asked for, it shows here by itself.</p>
              <a href={href(['endpoints'])}>Look at the endpoints</a>
            </Empty>
          )
        }
      </ResourceView>
    </section>
  )
}

function Filters({ state, endpointId, eventType }: FilterProps) {
  const endpoints = useResource<Page<Endpoint>>('endpoints?limit=100').data?.items ?? []
  const eventTypes = useResource<{ items: readonly EventType[] }>('event-types').data?.items ?? []
  const listId = useId()
  const change = (changed: Partial<FilterProps>) => {
    const next = { state, endpointId, eventType, ...changed }
    const to = { state: next.state, endpoint: next.endpointId, type: next.eventType }
    go(href(['deliveries'], to), { replace: true })
  }
  return (
    <search className="filters">
      <Field label="State">
        {(control) => (
          <select
            {...control}
            className="input"
            value={state}
            onChange={(event) => change({ state: event.target.value })}
          >
            {STATES.map(([value, title]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Endpoint">
        {(control) => (
          <select
            {...control}
            className="input"
            value={endpointId}
            onChange={(event) => change({ endpointId: event.target.value })}
          >
            <option value="">Any endpoint</option>
            {endpoints.map((one) => (
              <option key={one.id} value={one.id}>
                {endpointName(one)}
              </option>
            ))}
            {endpointId !== '' && !endpoints.some(({ id }) => id === endpointId) && (
              <option value={endpointId}>{endpointId}</option>
            )}
          </select>
        )}
      </Field>
      <Field label="Event type">
        {(control) => (
          <input
            {...control}
            className="input mono"
            list={listId}
            placeholder="Any type"
            defaultValue={eventType}
            key={eventType}
            onBlur={(event) => change({ eventType: event.target.value.trim() })}
            onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
          />
        )}
      </Field>
      <datalist id={listId}>
        {eventTypes.map(({ type }) => (
          <option key={type} value={type} />
        ))}
      </datalist>
      {(state || endpointId || eventType) !== '' && (
        <Button kind="plain" onClick={() => change({ state: '', endpointId: '', eventType: '' })}>
          Clear filters
        </Button>
      )}
    </search>
  )
}
