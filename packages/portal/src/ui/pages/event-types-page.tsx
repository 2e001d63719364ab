import type { EventType } from '../api-types.ts'
import { href } from '../hash-route.ts'
import { Badge } from '../parts/badge.tsx'
import { Card } from '../parts/card.tsx'
import { Empty } from '../parts/empty.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { useResource } from '../resources.ts'

/** What endpoints can ask for. */
export function EventTypesPage() {
  const resource = useResource<{ items: readonly EventType[] }>('event-types')
  return (
    <>
      <PageHead title="Event catalog" about="What happens here that you can have sent to you." />
      <ResourceView resource={resource}>
        {({ items }) => (
          <>
            <Types title="Events" types={items.filter(({ builtIn }) => !builtIn)} />
            <Types title="About webhooks themselves" types={items.filter(({ builtIn }) => builtIn)} />
          </>
        )}
      </ResourceView>
    </>
  )
}

function Types({ title, types }: { readonly title: string; readonly types: readonly EventType[] }) {
  return (
    <Card title={title} isFlush>
      {types.length === 0 ? (
        <Empty title="No catalog yet">
          <p>
            This host has described none of its events. They are sent all the same; an endpoint can ask for a
            pattern such as <code>File.*</code>.
          </p>
        </Empty>
      ) : (
        <ul className="endpoint-list">
          {types.map(({ type, description, deprecated }) => (
            <li className="endpoint-item" key={type}>
              <div className="stack-tight">
                <a className="mono anywhere" href={href(['event-types', type])}>
                  {type}
                </a>
                <div className="quiet anywhere">{description}</div>
              </div>
              {deprecated && <Badge tone="warn">Deprecated</Badge>}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
