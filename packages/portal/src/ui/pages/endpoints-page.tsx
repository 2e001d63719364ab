import type { Endpoint, Page } from '../api-types.ts'
import { href } from '../hash-route.ts'
import { EndpointBadge } from '../parts/badge.tsx'
import { Empty } from '../parts/empty.tsx'
import { endpointName } from '../parts/endpoint-name.ts'
import { PageHead } from '../parts/page-head.tsx'
import { Pager, usePages } from '../parts/pager.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { useResource } from '../resources.ts'
import { useUser } from '../session.ts'

const SHOWN_TYPES = 4

/** Every endpoint of the tenant, and how it does. */
export function EndpointsPage() {
  const { role } = useUser()
  const pages = usePages()
  const resource = useResource<Page<Endpoint>>(`endpoints?limit=50${pages.query}`)
  const add = role === 'manager' && (
    <a className="button primary" href={href(['endpoints', 'new'])}>
      Add endpoint
    </a>
  )
  return (
    <>
      <PageHead title="Endpoints" about="The addresses that get your events as webhooks.">
        {add}
      </PageHead>
      <section className="card" aria-label="Endpoints">
        <ResourceView resource={resource}>
          {({ items, next }) =>
            items.length === 0 ? (
              <Empty title="No endpoints yet">
                <p>
                  An endpoint is a URL of yours that we send a signed request to whenever something happens,
                  such as an upload or a new page.
                </p>
                {add}
              </Empty>
            ) : (
              <>
                <ul className="endpoint-list">
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
    <li className="endpoint-item">
      <div className="stack-tight">
        <a className="endpoint-url" href={href(['endpoints', id])}>
          {endpointName(endpoint)}
        </a>
        {url !== undefined && description !== '' && <div className="quiet anywhere">{description}</div>}
        <div className="row">
          {eventTypes.slice(0, SHOWN_TYPES).map((type) => (
            <span className="chip" key={type}>
              {type === '*' ? 'all events' : type}
            </span>
          ))}
          {more > 0 && <span className="small quiet">and {more} more</span>}
        </div>
      </div>
      <EndpointBadge endpoint={endpoint} />
    </li>
  )
}
