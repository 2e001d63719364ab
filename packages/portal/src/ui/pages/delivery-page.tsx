import { useState } from 'react'
import type { DeliveryAttempt, DeliveryDetails } from '../api-types.ts'
import { useEndpointNames } from '../endpoint-names.ts'
import { duration, fullTime, prettyJson } from '../format.ts'
import { href, placeOf } from '../hash-route.ts'
import { ask } from '../http.ts'
import { Badge, DeliveryBadge } from '../parts/badge.tsx'
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
import { attemptErrorText } from '../problem-text.ts'
import { useResource } from '../resources.ts'
import { useUser } from '../session.ts'
import { useAction } from '../use-action.ts'

/** One delivery with everything about it. */
export function DeliveryPage({ id }: { readonly id: string }) {
  const resource = useResource<DeliveryDetails>(`deliveries/${encodeURIComponent(id)}`)
  const back = { to: placeOf('deliveries'), title: t.shell.deliveries }
  return (
    <PageOf resource={resource} title={t.delivery.title} back={back}>
      {(delivery) => (
        <>
          <PageHead
            title={delivery.eventType}
            back={back}
            badge={<DeliveryBadge delivery={delivery} />}
            about={<span className="mono">{id}</span>}
          >
            <Actions delivery={delivery} />
          </PageHead>
          <div className="columns">
            <Attempts attempts={delivery.attempts} />
            <Facts delivery={delivery} />
          </div>
          <RequestAsSent delivery={delivery} />
        </>
      )}
    </PageOf>
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
        {isPending ? t.delivery.tryNow : t.delivery.resend}
      </Button>
      {isPending && <Button onClick={() => setAsking(true)}>{t.delivery.cancel}</Button>}
      {resending.problem && <ProblemNote problem={resending.problem} />}
      {isAsking && (
        <ConfirmDialog
          title={t.delivery.cancelTitle}
          action={t.delivery.cancelAction}
          act={() => ask('POST', `${path}/cancel`)}
          onClose={() => setAsking(false)}
        >
          <p>{t.delivery.cancelAbout}</p>
        </ConfirmDialog>
      )}
    </>
  )
}

function Facts({ delivery }: { readonly delivery: DeliveryDetails }) {
  const { endpointId, eventId, createdOn, finishedOn, dueOn, attemptCount, state } = delivery
  const nameOf = useEndpointNames([endpointId])
  return (
    <Card title={t.delivery.title}>
      <dl className="facts">
        <dt>{t.deliveries.endpoint}</dt>
        <dd>
          <a href={href(['endpoints', endpointId])}>{nameOf(endpointId)}</a>
        </dd>
        <dt>{t.delivery.created}</dt>
        <dd>
          <Time at={createdOn} isExact />
        </dd>
        <dt>{t.delivery.attempts}</dt>
        <dd>{attemptCount}</dd>
        {state === 'pending' && (
          <>
            <dt>{t.delivery.nextAttempt}</dt>
            <dd>{dueOn === undefined ? t.delivery.afterPredecessor : <Time at={dueOn} isExact />}</dd>
          </>
        )}
        {finishedOn !== undefined && (
          <>
            <dt>{t.delivery.finished}</dt>
            <dd>
              {t.delivery.finishedAfter(
                fullTime(finishedOn),
                duration(Date.parse(finishedOn) - Date.parse(createdOn)),
              )}
            </dd>
          </>
        )}
        <dt>{t.deliveries.event}</dt>
        <dd className="mono">{eventId}</dd>
      </dl>
    </Card>
  )
}

function Attempts({ attempts }: { readonly attempts: readonly DeliveryAttempt[] }) {
  return (
    <Card title={t.delivery.attempts} isFlush>
      {attempts.length === 0 ? (
        <Empty title={t.delivery.noAttemptYet}>
          <p>{t.delivery.noAttemptAbout}</p>
        </Empty>
      ) : (
        <ol className="attempts" aria-label={t.counts.attempts(attempts.length)}>
          {attempts.toReversed().map((attempt) => (
            <Attempt key={attempt.number} attempt={attempt} />
          ))}
        </ol>
      )}
    </Card>
  )
}

function Attempt({ attempt }: { readonly attempt: DeliveryAttempt }) {
  const { number, startedOn, durationMs, response, errorCode } = attempt
  const isStatus = errorCode === 'http_status' || errorCode === 'redirect' || errorCode === 'gone'
  return (
    <li className="stack">
      <div className="row apart">
        <div className="row">
          <h3>{t.delivery.attempt(number)}</h3>
          {response && <Badge tone={errorCode ? 'bad' : 'good'}>{`HTTP ${response.status}`}</Badge>}
          {!response && <Badge tone="bad">{t.states.exhausted}</Badge>}
        </div>
        <span className="small quiet">
          <Time at={startedOn} isExact /> · {duration(durationMs)}
        </span>
      </div>
      {errorCode !== undefined && (
        <p className="anywhere">
          {isStatus && response ? t.delivery.responded(response.status) : attemptErrorText(errorCode)}
        </p>
      )}
      {response && response.body !== '' && (
        <details>
          <summary className="small">{t.delivery.responseBody}</summary>
          <Code text={response.body} label={t.delivery.responseTo(number)} copy={response.body} />
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
    <Card title={t.delivery.request}>
      {head && (
        <>
          <Code text={head.join('\n')} label={t.delivery.requestHead} />
          <p className="hint">{t.delivery.requestHint}</p>
        </>
      )}
      <Code text={prettyJson(delivery.body)} label={t.delivery.body} copy={delivery.body} />
    </Card>
  )
}
