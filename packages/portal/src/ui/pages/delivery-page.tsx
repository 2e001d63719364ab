import { useState } from 'react'
import type { DeliveryAttempt, DeliveryDetails, Endpoint } from '../api-types.ts'
import { counted, duration, fullTime, prettyJson } from '../format.ts'
import { href } from '../hash-route.ts'
import { ask } from '../http.ts'
import { Badge, DeliveryBadge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { Empty } from '../parts/empty.tsx'
import { endpointName } from '../parts/endpoint-name.ts'
import { PageHead } from '../parts/page-head.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { Time } from '../parts/time.tsx'
import { useResource } from '../resources.ts'
import { useUser } from '../session.ts'
import { useAction } from '../use-action.ts'

/** One delivery with everything about it. */
export function DeliveryPage({ id }: { readonly id: string }) {
  const resource = useResource<DeliveryDetails>(`deliveries/${encodeURIComponent(id)}`)
  const { data } = resource
  return (
    <>
      <PageHead
        title={data?.eventType ?? 'Delivery'}
        back={{ to: href(['deliveries']), title: 'Deliveries' }}
        about={<span className="mono">{id}</span>}
      >
        {data && <Actions delivery={data} />}
      </PageHead>
      {data ? (
        <>
          <ProblemNote problem={resource.problem} canRetry />
          <div className="columns">
            <Attempts attempts={data.attempts} />
            <div className="stack">
              <Facts delivery={data} />
            </div>
          </div>
          <RequestAsSent delivery={data} />
        </>
      ) : (
        <div className="card">
          <ResourceView resource={resource}>{() => null}</ResourceView>
        </div>
      )}
    </>
  )
}

function Actions({ delivery }: { readonly delivery: DeliveryDetails }) {
  const { role } = useUser()
  const [isAsking, setAsking] = useState(false)
  const path = `deliveries/${encodeURIComponent(delivery.id)}`
  const resending = useAction(() => ask('POST', `${path}/resend`))
  if (role !== 'manager') return null
  const isPending = delivery.state === 'pending'
  return (
    <>
      <Button kind="primary" isBusy={resending.isBusy} onClick={resending.run}>
        {isPending ? 'Send now' : 'Send again'}
      </Button>
      {isPending && <Button onClick={() => setAsking(true)}>Cancel</Button>}
      {resending.problem && <ProblemNote problem={resending.problem} />}
      {isAsking && (
        <ConfirmDialog
          title="Cancel this delivery?"
          action="Cancel the delivery"
          act={() => ask('POST', `${path}/cancel`)}
          onClose={() => setAsking(false)}
        >
          <p>No further attempt is made. You can still send it again later.</p>
        </ConfirmDialog>
      )}
    </>
  )
}

function Facts({ delivery }: { readonly delivery: DeliveryDetails }) {
  const { endpointId, eventId, createdOn, finishedOn, dueOn, attemptCount, state } = delivery
  const endpoint = useResource<Endpoint>(`endpoints/${encodeURIComponent(endpointId)}`).data
  return (
    <Card title="Delivery" actions={<DeliveryBadge delivery={delivery} />}>
      <dl className="facts">
        <dt>Endpoint</dt>
        <dd>
          <a href={href(['endpoints', endpointId])}>{endpoint ? endpointName(endpoint) : endpointId}</a>
        </dd>
        <dt>Created</dt>
        <dd>{fullTime(createdOn)}</dd>
        <dt>Attempts</dt>
        <dd>{attemptCount}</dd>
        {state === 'pending' && (
          <>
            <dt>Next attempt</dt>
            <dd>{dueOn === undefined ? 'after the delivery before it' : <Time at={dueOn} />}</dd>
          </>
        )}
        {finishedOn !== undefined && (
          <>
            <dt>Finished</dt>
            <dd>
              {fullTime(finishedOn)}, after {duration(Date.parse(finishedOn) - Date.parse(createdOn))}
            </dd>
          </>
        )}
        <dt>Event</dt>
        <dd className="mono">{eventId}</dd>
      </dl>
    </Card>
  )
}

function Attempts({ attempts }: { readonly attempts: readonly DeliveryAttempt[] }) {
  return (
    <Card title="Attempts" isFlush>
      {attempts.length === 0 ? (
        <Empty title="No attempt yet">
          <p>It shows here by itself as soon as the first one has ended.</p>
        </Empty>
      ) : (
        <ol className="attempts" aria-label={counted(attempts.length, 'attempt')}>
          {attempts.toReversed().map((attempt) => (
            <Attempt key={attempt.number} attempt={attempt} />
          ))}
        </ol>
      )}
    </Card>
  )
}

function Attempt({ attempt }: { readonly attempt: DeliveryAttempt }) {
  const { number, startedOn, durationMs, response, errorCode, errorMessage } = attempt
  return (
    <li className="stack">
      <div className="row apart">
        <div className="row">
          <h3>Attempt {number}</h3>
          <Badge tone={errorCode ? 'bad' : 'good'}>
            {response ? `HTTP ${response.status}` : (errorCode ?? 'failed').replaceAll('_', ' ')}
          </Badge>
        </div>
        <span className="small quiet">
          <Time at={startedOn} />, took {duration(durationMs)}
        </span>
      </div>
      {errorMessage !== undefined && <p className="anywhere">{errorMessage}</p>}
      {response && response.body !== '' && (
        <details>
          <summary className="small">The answer's body</summary>
          <Code text={response.body} label={`Answer to attempt ${number}`} />
        </details>
      )}
    </li>
  )
}

function RequestAsSent({ delivery }: { readonly delivery: DeliveryDetails }) {
  const last = delivery.attempts.at(-1)
  const head = last && [
    `${last.request.method} ${last.request.url}`,
    ...Object.entries(last.request.headers).map(([name, value]) => `${name}: ${value}`),
  ]
  return (
    <Card title="Request as sent">
      {head && (
        <>
          <Code text={head.join('\n')} label="Request line and headers" />
          <p className="hint">
            Of the last attempt. Headers that you gave the endpoint are sent along, and not kept here.
          </p>
        </>
      )}
      <Code text={prettyJson(delivery.body)} label="Body" copy={delivery.body} />
    </Card>
  )
}
