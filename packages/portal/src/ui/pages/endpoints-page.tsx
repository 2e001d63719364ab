import { Plus } from 'lucide-react'
import type { Endpoint, Page } from '../api-types.ts'
import { href } from '../hash-route.ts'
import { EndpointBadge } from '../parts/badge.tsx'
import { Empty } from '../parts/empty.tsx'
import { endpointName } from '../parts/endpoint-name.ts'
import { PageHead } from '../parts/page-head.tsx'
import { Pager, usePages } from '../parts/pager.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'
import { useUser } from '../session.ts'

const SHOWN_TYPES = 4

/** Every endpoint of the tenant, and how it does. */
export function EndpointsPage() {
  const { role } = useUser()
  const pages = usePages()
  const query = new URLSearchParams({ limit: '50' })
  if (pages.before !== undefined) query.set('before', pages.before)
  const resource = useResource<Page<Endpoint>>(`endpoints?${query}`)
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
      <section className="card" aria-label={t.shell.endpoints} tabIndex={-1} ref={pages.list}>
        <ResourceView resource={resource}>
          {({ items, next }) =>
            items.length === 0 ? (
              <Empty title={t.endpoints.none}>
                <p>{t.endpoints.noneAbout}</p>
                {add}
              </Empty>
            ) : (
              <>
                <ul className="rows">
                  {items.map((endpoint) => (
                    <EndpointItem key={endpoint.id} endpoint={endpoint} />
                  ))}
                </ul>
                <Pager pages={pages} next={next} />
              </>
            )
          }
        </ResourceView>
      </section>
    </>
  )
}

function EndpointItem({ endpoint }: { readonly endpoint: Endpoint }) {
  const { id, url, description, eventTypes } = endpoint
  const more = eventTypes.length - SHOWN_TYPES
  return (
    <li>
      <a className="row-link endpoint-row" href={href(['endpoints', id])}>
        <span className="endpoint-name" title={endpointName(endpoint)}>
          {endpointName(endpoint)}
        </span>
        <span className="endpoint-state">
          <EndpointBadge endpoint={endpoint} />
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
      </a>
    </li>
  )
}
