import { Pencil } from 'lucide-react'
import type { Delivery, Endpoint, Page } from '../api-types.ts'
import { href, placeOf } from '../hash-route.ts'
import { EndpointBadge } from '../parts/badge.tsx'
import { Card } from '../parts/card.tsx'
import { DeliveryList } from '../parts/delivery-list.tsx'
import { Empty } from '../parts/empty.tsx'
import { endpointName } from '../parts/endpoint-name.ts'
import { PageHead } from '../parts/page-head.tsx'
import { PageOf } from '../parts/page-of.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { type Tab, Tabs } from '../parts/tabs.tsx'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'
import { useUser } from '../session.ts'
import { ActivityCard } from './activity-card.tsx'
import { AuditLog } from './audit-log-page.tsx'
import { DeliverySearch } from './delivery-search.tsx'
import { EndpointDanger } from './endpoint-danger.tsx'
import { EndpointSettings } from './endpoint-settings.tsx'
import { EndpointStatus } from './endpoint-status.tsx'
import { KeysCard } from './keys-card.tsx'
import { RecoverCard } from './recover-card.tsx'
import { SecretsCard } from './secrets-card.tsx'
import { TestCard } from './test-card.tsx'
import { VerifyNote } from './verify-note.tsx'

/** One endpoint: how it does, what it got, and everything that can be done with it. */
export function EndpointPage({ id }: { readonly id: string }) {
  const resource = useResource<Endpoint>(`endpoints/${encodeURIComponent(id)}`)
  const back = { to: placeOf('endpoints'), title: t.shell.endpoints }
  return (
    <PageOf resource={resource} title={t.endpoint.title} back={back}>
      {(endpoint) => <Loaded endpoint={endpoint} back={back} />}
    </PageOf>
  )
}

interface LoadedProps {
  readonly endpoint: Endpoint
  readonly back: { readonly to: string; readonly title: string }
}

function Loaded({ endpoint, back }: LoadedProps) {
  const isManager = useUser().role === 'manager'
  const { id } = endpoint
  const tabs: [Tab, ...Tab[]] = [
    { id: 'overview', title: t.endpoint.overview, content: <Overview endpoint={endpoint} /> },
    {
      id: 'deliveries',
      title: t.shell.deliveries,
      content: (
        <>
          {isManager && <RecoverCard endpoint={endpoint} />}
          <DeliverySearch endpointId={id} />
        </>
      ),
    },
    { id: 'settings', title: t.endpoint.settings, content: <Settings endpoint={endpoint} /> },
  ]
  tabs.push({ id: 'history', title: t.endpoint.history, content: <AuditLog endpointId={id} /> })
  if (isManager) {
    tabs.push({ id: 'test', title: t.endpoint.test, content: <TestCard endpoint={endpoint} /> })
  }
  return (
    <>
      <PageHead
        title={endpointName(endpoint)}
        back={back}
        badge={<EndpointBadge endpoint={endpoint} />}
        about={endpoint.url === undefined ? undefined : endpoint.description}
      >
        {isManager && (
          <a className="button" href={href(['endpoints', id, 'edit'])}>
            <Pencil aria-hidden /> {t.endpoint.edit}
          </a>
        )}
      </PageHead>
      {endpoint.ownership === 'pending' ? (
        <VerifyNote endpoint={endpoint} />
      ) : (
        <EndpointStatus endpoint={endpoint} />
      )}
      <Tabs tabs={tabs} label={t.endpoint.title} />
    </>
  )
}

function Overview({ endpoint }: { readonly endpoint: Endpoint }) {
  return (
    <>
      <RecentDeliveries endpointId={endpoint.id} />
      {endpoint.url !== undefined && <ActivityCard endpointId={endpoint.id} />}
    </>
  )
}

function RecentDeliveries({ endpointId }: { readonly endpointId: string }) {
  const resource = useResource<Page<Delivery>>(
    `deliveries?${new URLSearchParams({ endpointId, limit: '5' })}`,
  )
  const all = <a href={href(['endpoints', endpointId], { tab: 'deliveries' })}>{t.endpoint.showAll}</a>
  return (
    <Card title={t.endpoint.latest} isFlush actions={all}>
      <ResourceView resource={resource}>
        {({ items }) =>
          items.length > 0 ? (
            <DeliveryList deliveries={items} />
          ) : (
            <Empty title={t.deliveries.none}>
              <p>{t.endpoint.nothingYet}</p>
            </Empty>
          )
        }
      </ResourceView>
    </Card>
  )
}

function Settings({ endpoint }: { readonly endpoint: Endpoint }) {
  const isManager = useUser().role === 'manager'
  return (
    <div className="halves">
      <EndpointSettings endpoint={endpoint} />
      {isManager && (
        <div className="stack">
          <SecretsCard endpoint={endpoint} />
          {endpoint.sequence && <KeysCard endpoint={endpoint} />}
          <EndpointDanger endpoint={endpoint} />
        </div>
      )}
    </div>
  )
}
