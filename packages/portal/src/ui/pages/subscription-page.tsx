import { useState } from 'react'
import type { ParkedEvent, Subscription } from '../api-types.ts'
import { href } from '../hash-route.ts'
import { ask } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { Empty } from '../parts/empty.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { PageOf } from '../parts/page-of.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { Time } from '../parts/time.tsx'
import { t } from '../preferences.ts'
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
  const back = { to: href(['subscriptions']), title: t.shell.subscriptions }
  return (
    <PageOf resource={resource} title={name} back={back}>
      {(subscription) => (
        <>
          <PageHead title={name} back={back}>
            <Actions subscription={subscription} path={path} />
          </PageHead>
          <Standing subscription={subscription} />
          <Parked subscription={subscription} path={path} />
        </>
      )}
    </PageOf>
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
        {state === 'active' ? t.subscription.pause : t.subscription.resume}
      </Button>
      {state === 'blocked' && (
        <Button kind="danger" onClick={() => setSkipping(true)}>
          {t.subscription.skipNext}
        </Button>
      )}
      <ProblemNote problem={changing.problem} />
      {isSkipping && (
        <ConfirmDialog
          title={t.subscription.skipNextTitle}
          action={t.subscription.skipAction}
          act={() => ask('POST', `${path}/skip`)}
          onClose={() => setSkipping(false)}
        >
          <p>{t.subscription.skipNextAbout}</p>
        </ConfirmDialog>
      )}
    </>
  )
}

function Standing({ subscription }: { readonly subscription: Details }) {
  const { leasedBy, failedAttempts, lastError } = subscription
  return (
    <Card title={t.subscription.state} actions={<SubscriptionBadge subscription={subscription} />}>
      <dl className="facts">
        <dt>{t.subscriptions.behind}</dt>
        <dd>{behindText(subscription)}</dd>
        <dt>{t.subscription.node}</dt>
        <dd className="mono">{leasedBy ?? t.subscription.noNode}</dd>
        {failedAttempts > 0 && (
          <>
            <dt>{t.subscription.failedAttempts}</dt>
            <dd>{failedAttempts}</dd>
          </>
        )}
        {lastError !== undefined && (
          <>
            <dt>{t.subscription.lastError}</dt>
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
  const retryAll = parked > 0 && (
    <Button slim isBusy={retrying.isBusy} onClick={retrying.run}>
      {t.subscription.retryAll}
    </Button>
  )
  return (
    <Card title={t.subscription.parkedEvents} isFlush actions={retryAll}>
      <ProblemNote problem={retrying.problem} />
      {parkedEvents.length === 0 ? (
        <Empty title={t.subscription.noneParked}>
          <p>{t.subscription.noneParkedAbout}</p>
        </Empty>
      ) : (
        <ul className="attempts" aria-label={t.counts.events(parkedEvents.length)}>
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
            {t.subscription.parkedAfter(event.entityName, String(event.entityId), event.tenantId, attempts)},{' '}
            <Time at={parkedOn} />
          </p>
        </div>
        <div className="row">
          <Button
            slim
            isBusy={retrying.isBusy}
            onClick={retrying.run}
            label={`${t.common.tryAgain}: ${type}`}
          >
            {t.common.tryAgain}
          </Button>
          <Button
            slim
            kind="danger"
            onClick={() => setAsking(true)}
            label={`${t.subscription.skip}: ${type}`}
          >
            {t.subscription.skip}
          </Button>
        </div>
      </div>
      <p className="anywhere">{error}</p>
      <details>
        <summary className="small">{t.subscription.event}</summary>
        <Code text={JSON.stringify(event, null, 2)} label={`${t.subscription.event} ${eventId}`} />
      </details>
      <ProblemNote problem={retrying.problem} />
      {isAsking && (
        <ConfirmDialog
          title={t.subscription.skipTitle}
          action={t.subscription.skipAction}
          act={() => ask('POST', `${path}/discard`, { eventId })}
          onClose={() => setAsking(false)}
        >
          <p>{t.subscription.skipAbout}</p>
        </ConfirmDialog>
      )}
    </li>
  )
}
