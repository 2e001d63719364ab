import type { EventType } from '../api-types.ts'
import { href, placeOf } from '../hash-route.ts'
import { Badge } from '../parts/badge.tsx'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { Empty } from '../parts/empty.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { ReceiverCode } from '../parts/receiver-code.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'
import { useUser } from '../session.ts'

/** One type of events: what it says, and how to receive it. */
export function EventTypePage({ type }: { readonly type: string }) {
  const resource = useResource<{ items: readonly EventType[] }>('event-types')
  const back = { to: placeOf('event-types'), title: t.shell.catalog }
  return (
    <ResourceView resource={resource}>
      {({ items }) => {
        const found = items.find((one) => one.type === type)
        return found ? (
          <>
            <PageHead
              title={type}
              back={back}
              about={found.description}
              badge={found.deprecated && <Badge tone="warn">{t.states.deprecated}</Badge>}
            />
            <Described eventType={found} />
          </>
        ) : (
          <>
            <PageHead title={type} back={back} />
            <div className="card">
              <Empty title={t.catalog.unknown}>
                <a href={href(['event-types'])}>{t.catalog.show}</a>
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
        <Card title={t.catalog.body}>
          <Code text={body} label={t.catalog.example} copy={body} />
        </Card>
        {schema !== undefined && (
          <Card title={t.catalog.schema}>
            <Code
              text={JSON.stringify(schema, null, 2)}
              label={t.catalog.jsonSchema}
              copy={JSON.stringify(schema, null, 2)}
            />
          </Card>
        )}
      </div>
      <Card title={t.receiver.title}>
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
