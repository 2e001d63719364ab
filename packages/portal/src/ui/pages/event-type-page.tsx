import type { EventType } from '../api-types.ts'
import { href } from '../hash-route.ts'
import { Badge } from '../parts/badge.tsx'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { Empty } from '../parts/empty.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { ReceiverCode } from '../parts/receiver-code.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { useResource } from '../resources.ts'
import { useUser } from '../session.ts'

/** One type of events: what it says, and how to receive it. */
export function EventTypePage({ type }: { readonly type: string }) {
  const resource = useResource<{ items: readonly EventType[] }>('event-types')
  const back = { to: href(['event-types']), title: 'Event catalog' }
  return (
    <ResourceView resource={resource}>
      {({ items }) => {
        const found = items.find((one) => one.type === type)
        return found ? (
          <>
            <PageHead title={type} back={back} about={found.description}>
              {found.deprecated && <Badge tone="warn">Deprecated</Badge>}
            </PageHead>
            <Described eventType={found} />
          </>
        ) : (
          <>
            <PageHead title={type} back={back} />
            <div className="card">
              <Empty title="This type is not in the catalog">
                <a href={href(['event-types'])}>Show the catalog</a>
              </Empty>
            </div>
          </>
        )
      }}
    </ResourceView>
  )
}

function Described({ eventType }: { readonly eventType: EventType }) {
  const { type, schema, example } = eventType
  const { tenantId } = useUser()
  const body = JSON.stringify(exampleOf(type, tenantId, example), null, 2)
  return (
    <>
      <div className="halves">
        <Card title="A request's body">
          <Code text={body} label="Example of the body" copy={body} />
        </Card>
        {schema !== undefined && (
          <Card title="Schema of data.entity">
            <Code
              text={JSON.stringify(schema, null, 2)}
              label="JSON Schema"
              copy={JSON.stringify(schema, null, 2)}
            />
          </Card>
        )}
      </div>
      <Card title="Receive it">
        <ReceiverCode eventType={type} />
      </Card>
    </>
  )
}

function exampleOf(type: string, tenantId: number, entity: unknown): object {
  const [entityName, action] = type.split('.')
  return {
    type,
    timestamp: '2026-11-24T08:00:00.000Z',
    data: {
      tenantId,
      siteId: 1,
      siteKey: `${tenantId}:1`,
      entityName,
      entityId: 1,
      action,
      ...(entity === undefined ? {} : { entity }),
    },
  }
}
