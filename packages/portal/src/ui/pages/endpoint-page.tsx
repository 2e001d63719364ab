import { useState } from 'react'
import type { Delivery, Endpoint, Page } from '../api-types.ts'
import { counted, fullTime } from '../format.ts'
import { go, href } from '../hash-route.ts'
import { ask } from '../http.ts'
import { EndpointBadge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { DeliveryTable } from '../parts/delivery-table.tsx'
import { Empty } from '../parts/empty.tsx'
import { endpointName } from '../parts/endpoint-name.ts'
import { PageHead } from '../parts/page-head.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { Time } from '../parts/time.tsx'
import { useResource, whileEnding } from '../resources.ts'
import { useUser } from '../session.ts'
import { useAction } from '../use-action.ts'
import { ActivityCard } from './activity-card.tsx'
import { FORMATS } from './endpoint-draft.ts'
import { KeysCard } from './keys-card.tsx'
import { RecoverCard } from './recover-card.tsx'
import { SecretsCard } from './secrets-card.tsx'
import { TestCard } from './test-card.tsx'
import { VerifyNote } from './verify-note.tsx'

/** One endpoint: how it does, what it got, and everything that can be done with it. */
export function EndpointPage({ id }: { readonly id: string }) {
  const { role } = useUser()
  const resource = useResource<Endpoint>(`endpoints/${encodeURIComponent(id)}`)
  const { data: endpoint } = resource
  const isManager = role === 'manager'
  return (
    <>
      <PageHead
        title={endpoint ? endpointName(endpoint) : 'Endpoint'}
        back={{ to: href(['endpoints']), title: 'Endpoints' }}
        about={endpoint?.description}
      >
        {endpoint && isManager && <Actions endpoint={endpoint} />}
      </PageHead>
      {endpoint ? (
        <>
          <ProblemNote problem={resource.problem} canRetry />
          {endpoint.ownership === 'pending' ? (
            <VerifyNote endpoint={endpoint} />
          ) : (
            <Health endpoint={endpoint} />
          )}
          <div className="columns">
            <div className="stack">
              {endpoint.url !== undefined && <ActivityCard endpointId={id} />}
              <RecentDeliveries endpointId={id} />
            </div>
            <div className="stack">
              <Configuration endpoint={endpoint} />
              {isManager && <TestCard endpoint={endpoint} />}
              {isManager && <SecretsCard endpoint={endpoint} />}
              {isManager && endpoint.sequence && <KeysCard endpoint={endpoint} />}
              {isManager && <RecoverCard endpoint={endpoint} />}
            </div>
          </div>
        </>
      ) : (
        <div className="card">
          <ResourceView resource={resource}>{() => null}</ResourceView>
        </div>
      )}
    </>
  )
}

function Actions({ endpoint }: { readonly endpoint: Endpoint }) {
  const [asked, setAsked] = useState<'disable' | 'delete'>()
  const path = `endpoints/${encodeURIComponent(endpoint.id)}`
  const enabling = useAction(() => ask('POST', `${path}/enable`))
  const close = () => setAsked(undefined)
  return (
    <>
      <a className="button" href={href(['endpoints', endpoint.id, 'edit'])}>
        Edit
      </a>
      {endpoint.enabled && <Button onClick={() => setAsked('disable')}>Disable</Button>}
      {!endpoint.enabled && endpoint.ownership !== 'pending' && (
        <Button kind="primary" isBusy={enabling.isBusy} onClick={enabling.run}>
          Enable
        </Button>
      )}
      <Button kind="danger" onClick={() => setAsked('delete')}>
        Delete
      </Button>
      <ProblemNote problem={enabling.problem} />
      {asked === 'disable' && (
        <ConfirmDialog
          title="Disable this endpoint?"
          action="Disable it"
          act={() => ask('POST', `${path}/disable`)}
          onClose={close}
        >
          <p>
            It gets nothing while it is disabled. What happens meanwhile is not sent to it by itself later.
          </p>
        </ConfirmDialog>
      )}
      {asked === 'delete' && (
        <ConfirmDialog
          title="Delete this endpoint?"
          action="Delete it"
          act={() =>
            whileEnding(path, async () => {
              await ask('DELETE', path)
              go(href(['endpoints']))
            })
          }
          onClose={close}
        >
          <p className="anywhere">{endpointName(endpoint)}</p>
          <p>What still waits for it is cancelled, and its secrets are gone. This cannot be undone.</p>
        </ConfirmDialog>
      )}
    </>
  )
}

function Health({ endpoint }: { readonly endpoint: Endpoint }) {
  const { enabled, failingSince, disabledReason, disabledOn } = endpoint
  if (enabled && failingSince === undefined) return null
  const when = disabledOn !== undefined && <Time at={disabledOn} />
  return (
    <div className={`note ${disabledReason === 'manual' ? '' : enabled ? 'warn' : 'bad'}`} role="status">
      {enabled && failingSince !== undefined && (
        <p>
          No attempt has succeeded since {fullTime(failingSince)}. Attempts go on; if none succeeds for days,
          the endpoint is disabled.
        </p>
      )}
      {!enabled && disabledReason === 'gone' && (
        <p>
          Disabled {when}: it has answered 410 Gone, which says that it wants nothing more. Enable it when it
          does.
        </p>
      )}
      {!enabled && disabledReason === 'failing' && (
        <p>
          Disabled {when}: no attempt had succeeded for days. Mend it, enable it, and send what has failed
          again.
        </p>
      )}
      {!enabled && disabledReason === 'manual' && (
        <p>Disabled {when}. It gets nothing until it is enabled.</p>
      )}
    </div>
  )
}

function RecentDeliveries({ endpointId }: { readonly endpointId: string }) {
  const resource = useResource<Page<Delivery>>(
    `deliveries?${new URLSearchParams({ endpointId, limit: '10' })}`,
  )
  const all = <a href={href(['deliveries'], { endpoint: endpointId })}>Show all</a>
  return (
    <Card title="Latest deliveries" isFlush actions={all}>
      <ResourceView resource={resource}>
        {({ items }) =>
          items.length > 0 ? (
            <DeliveryTable deliveries={items} />
          ) : (
            <Empty title="Nothing was sent yet">
              <p>Send a test, or wait for the first event: it shows here by itself.</p>
            </Empty>
          )
        }
      </ResourceView>
    </Card>
  )
}

const ORDER: Readonly<Record<string, string>> = { none: 'as they come', fifo: 'one after the other' }

function Configuration({ endpoint }: { readonly endpoint: Endpoint }) {
  const {
    id,
    eventTypes,
    filter,
    headers,
    ordering,
    concurrency,
    rateLimit,
    signature,
    createdOn,
    format,
    payloadVersion,
    siteId,
    ownership,
    clientCertificate,
    url,
  } = endpoint
  const names = Object.keys(headers)
  return (
    <Card title="Configuration" actions={<EndpointBadge endpoint={endpoint} />}>
      <dl className="facts">
        <dt>Events</dt>
        <dd className="row">
          {eventTypes.map((type) => (
            <span className="chip" key={type}>
              {type === '*' ? 'all events' : type}
            </span>
          ))}
        </dd>
        {filter !== undefined && (
          <>
            <dt>Filter</dt>
            <dd>
              <Code text={JSON.stringify(filter, null, 2)} label="Content filter" />
            </dd>
          </>
        )}
        {siteId !== undefined && (
          <>
            <dt>Site</dt>
            <dd>{siteId} alone</dd>
          </>
        )}
        {url === undefined ? (
          <>
            <dt>Delivery</dt>
            <dd>pull: your application reads the messages</dd>
          </>
        ) : (
          <>
            <dt>Order</dt>
            <dd>
              {typeof ordering === 'object' ? `one after the other, by ${ordering.by}` : ORDER[ordering]}
            </dd>
            <dt>At once</dt>
            <dd>{counted(concurrency.max, 'request')} at most</dd>
            <dt>Rate limit</dt>
            <dd>
              {rateLimit
                ? `${counted(rateLimit.limit, 'request')} in ${counted(rateLimit.perSeconds, 'second')}`
                : 'none'}
            </dd>
          </>
        )}
        {names.length > 0 && (
          <>
            <dt>Headers</dt>
            <dd>
              {names.map((name) => (
                <div className="mono" key={name}>
                  {name}: {headers[name]}
                </div>
              ))}
            </dd>
          </>
        )}
        <dt>Signature</dt>
        <dd>{signature === 'hmac' ? 'shared secret' : 'key pair'}</dd>
        {clientCertificate !== undefined && (
          <>
            <dt>Client certificate</dt>
            <dd className="anywhere">
              {clientCertificate.subject}, until {fullTime(clientCertificate.expiresOn)}
            </dd>
          </>
        )}
        {ownership !== undefined && (
          <>
            <dt>Ownership</dt>
            <dd>{ownership === 'verified' ? 'verified' : 'not verified yet'}</dd>
          </>
        )}
        {endpoint.sequence && (
          <>
            <dt>Messages</dt>
            <dd>numbered</dd>
          </>
        )}
        <dt>Format</dt>
        <dd>
          {FORMATS.find(([value]) => value === format)?.[1] ?? format}
          {payloadVersion !== undefined && `, version ${payloadVersion}`}
        </dd>
        <dt>Created</dt>
        <dd>{fullTime(createdOn)}</dd>
        <dt>Id</dt>
        <dd className="mono">{id}</dd>
      </dl>
    </Card>
  )
}
