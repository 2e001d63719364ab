import { type ReactNode, useState } from 'react'
import type { ParkedEvent, Subscription } from '../api-types.ts'
import { counted } from '../format.ts'
import { href } from '../hash-route.ts'
import { ask } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { Empty } from '../parts/empty.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { Time } from '../parts/time.tsx'
import { useResource } from '../resources.ts'
import { useAction } from '../use-action.ts'
import { behindText, SubscriptionBadge } from './subscriptions-page.tsx'

interface Details extends Subscription {
  readonly parkedEvents: readonly ParkedEvent[]
}

/** One subscription of the host, and its parked events. */
export function SubscriptionPage({ name }: { readonly name: string }) {
  const path = `subscriptions/${encodeURIComponent(name)}`
  const resource = useResource<Details>(path)
  const { data } = resource
  return (
    <>
      <PageHead title={name} back={{ to: href(['subscriptions']), title: 'Subscriptions' }}>
        {data && <Actions subscription={data} path={path} />}
      </PageHead>
      {data ? (
        <>
          <ProblemNote problem={resource.problem} canRetry />
          <Standing subscription={data} />
          <Parked subscription={data} path={path} />
        </>
      ) : (
        <div className="card">
          <ResourceView resource={resource}>{() => null}</ResourceView>
        </div>
      )}
    </>
  )
}

interface PartProps {
  readonly subscription: Details
  readonly path: string
}

function Actions({ subscription, path }: PartProps) {
  const [isSkipping, setSkipping] = useState(false)
  const { state } = subscription
  const changing = useAction(() => ask('POST', `${path}/${state === 'active' ? 'pause' : 'resume'}`))
  return (
    <>
      <Button kind={state === 'active' ? 'plain' : 'primary'} isBusy={changing.isBusy} onClick={changing.run}>
        {state === 'active' ? 'Pause' : 'Resume'}
      </Button>
      {state === 'blocked' && (
        <Button kind="danger" onClick={() => setSkipping(true)}>
          Skip the next event
        </Button>
      )}
      <ProblemNote problem={changing.problem} />
      {isSkipping && (
        <ConfirmDialog
          title="Skip the event that blocks?"
          action="Skip it"
          act={() => ask('POST', `${path}/skip`)}
          onClose={() => setSkipping(false)}
        >
          <p>This subscriber never handles it, and goes on with the one after it.</p>
        </ConfirmDialog>
      )}
    </>
  )
}

function Standing({ subscription }: { readonly subscription: Details }) {
  const { leasedBy, failedAttempts, lastError } = subscription
  return (
    <Card title="How it stands" actions={<SubscriptionBadge subscription={subscription} />}>
      <dl className="facts">
        <dt>Behind</dt>
        <dd>{behindText(subscription)}</dd>
        <dt>Handled by</dt>
        <dd className="mono">{leasedBy ?? 'no node just now'}</dd>
        {failedAttempts > 0 && (
          <>
            <dt>Failed tries</dt>
            <dd>{failedAttempts} of the event that is next</dd>
          </>
        )}
        {lastError !== undefined && (
          <>
            <dt>Last error</dt>
            <dd>{lastError}</dd>
          </>
        )}
      </dl>
    </Card>
  )
}

function Parked({ subscription, path }: PartProps) {
  const { parkedEvents, parked } = subscription
  const retrying = useAction(() => ask('POST', `${path}/resume`))
  const title: ReactNode = parked > 0 && (
    <Button slim isBusy={retrying.isBusy} onClick={retrying.run}>
      Try all again
    </Button>
  )
  return (
    <Card title="Parked events" isFlush actions={title}>
      <ProblemNote problem={retrying.problem} />
      {parkedEvents.length === 0 ? (
        <Empty title="None">
          <p>An event that has used up its retries is parked here, so that it does not hold up the others.</p>
        </Empty>
      ) : (
        <ul className="attempts" aria-label={counted(parkedEvents.length, 'event')}>
          {parkedEvents.map((one) => (
            <ParkedItem key={one.event.id} parked={one} path={path} />
          ))}
        </ul>
      )}
    </Card>
  )
}

function ParkedItem({ parked, path }: { readonly parked: ParkedEvent; readonly path: string }) {
  const [isAsking, setAsking] = useState(false)
  const { event, attempts, error, parkedOn } = parked
  const type = `${event.entityName}.${event.action}`
  const eventId = event.id
  const retrying = useAction(() => ask('POST', `${path}/resume`, { eventId }))
  return (
    <li className="stack">
      <div className="row apart">
        <div>
          <h3 className="mono anywhere">{type}</h3>
          <p className="small quiet">
            {event.entityName} {event.entityId} of tenant {event.tenantId}; parked <Time at={parkedOn} />{' '}
            after {counted(attempts, 'try', 'tries')}
          </p>
        </div>
        <div className="row">
          <Button slim isBusy={retrying.isBusy} onClick={retrying.run} label={`Try again: ${type}`}>
            Try again
          </Button>
          <Button slim kind="danger" onClick={() => setAsking(true)} label={`Skip: ${type}`}>
            Skip
          </Button>
        </div>
      </div>
      <p className="anywhere">{error}</p>
      <details>
        <summary className="small">The event</summary>
        <Code text={JSON.stringify(event, null, 2)} label={`Event ${eventId}`} />
      </details>
      <ProblemNote problem={retrying.problem} />
      {isAsking && (
        <ConfirmDialog
          title="Skip this event?"
          action="Skip it"
          act={() => ask('POST', `${path}/discard`, { eventId })}
          onClose={() => setAsking(false)}
        >
          <p>This subscriber never handles it. This cannot be undone.</p>
        </ConfirmDialog>
      )}
    </li>
  )
}
