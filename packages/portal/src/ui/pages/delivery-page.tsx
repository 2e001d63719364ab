import { CircleCheck, CircleX, Clock, TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import type { DeliveryDetails } from '../api-types.ts'
import { useEndpointNames } from '../endpoint-names.ts'
import { duration, fullTime, prettyJson } from '../format.ts'
import { href, placeOf } from '../hash-route.ts'
import { ask } from '../http.ts'
import { DeliveryBadge, type Tone } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { PageOf } from '../parts/page-of.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { Time } from '../parts/time.tsx'
import { t } from '../preferences.ts'
import { reasonText } from '../reason-text.ts'
import { useResource } from '../resources.ts'
import { useUser } from '../session.ts'
import { useAction } from '../use-action.ts'
import { AttemptsCard } from './attempts-card.tsx'

/** One delivery: why it is in its state, and everything that was sent and received. */
export function DeliveryPage({ id }: { readonly id: string }) {
  const { role } = useUser()
  const [isRevealed, setRevealed] = useState(false)
  const path = `deliveries/${encodeURIComponent(id)}`
  const masked = useResource<DeliveryDetails>(path)
  const revealed = useResource<DeliveryDetails>(isRevealed ? `${path}?revealHeaders=true` : undefined)
  // The page stays as it is until the values are there.
  const resource = revealed.data ? revealed : masked
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
          />
          <Standing delivery={delivery} />
          <div className="columns">
            <AttemptsCard
              delivery={delivery}
              isRevealed={revealed.data !== undefined}
              onReveal={role === 'manager' ? () => setRevealed(!isRevealed) : undefined}
            />
            <Facts delivery={delivery} />
          </div>
          <Card title={t.delivery.body}>
            <Code text={prettyJson(delivery.body)} label={t.catalog.body} copy={delivery.body} />
          </Card>
        </>
      )}
    </PageOf>
  )
}

const LOOKS: Readonly<Record<DeliveryDetails['state'], { tone: Tone; Icon: typeof Clock }>> = {
  pending: { tone: 'wait', Icon: Clock },
  succeeded: { tone: 'good', Icon: CircleCheck },
  exhausted: { tone: 'bad', Icon: TriangleAlert },
  cancelled: { tone: 'neutral', Icon: CircleX },
  pull: { tone: 'neutral', Icon: Clock },
}

/** What happens next and why, and what can be done. */
function Standing({ delivery }: { readonly delivery: DeliveryDetails }) {
  const { state, reason, endpointId } = delivery
  const { tone, Icon } = LOOKS[state]
  return (
    <section className={`status ${tone}`} aria-label={t.status.title}>
      <Icon aria-hidden />
      <div className="stack-tight">
        <p role="status">{reasonText(reason)}</p>
        {reason.code === 'predecessor' && reason.deliveryId !== undefined && (
          <a href={href(['deliveries', reason.deliveryId])}>{t.delivery.predecessor}</a>
        )}
        {(reason.code === 'disabled' || reason.code === 'paused') && (
          <a href={href(['endpoints', endpointId])}>{t.delivery.toEndpoint}</a>
        )}
      </div>
      <Actions delivery={delivery} />
    </section>
  )
}

function Actions({ delivery: { id, state, resend } }: { readonly delivery: DeliveryDetails }) {
  const { role } = useUser()
  const [isAsking, setAsking] = useState(false)
  const path = `deliveries/${encodeURIComponent(id)}`
  const resending = useAction(() => ask('POST', `${path}/resend`))
  if (role !== 'manager') return <span />
  const isPending = state === 'pending'
  const canResend = resend === 'sends' || resend === 'under_way'
  return (
    <div className="row">
      {canResend && (
        <Button
          kind={state === 'succeeded' ? 'plain' : 'primary'}
          isBusy={resending.isBusy || resend === 'under_way'}
          onClick={resending.run}
        >
          {isPending ? t.delivery.tryNow : t.delivery.resend}
        </Button>
      )}
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
    </div>
  )
}

function Facts({ delivery }: { readonly delivery: DeliveryDetails }) {
  const { endpointId, eventId, createdOn, finishedOn, dueOn, attemptCount, sequence } = delivery
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
        {dueOn !== undefined && (
          <>
            <dt>{t.delivery.nextAttempt}</dt>
            <dd>
              <Time at={dueOn} isExact />
            </dd>
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
        {sequence !== undefined && (
          <>
            <dt>{t.delivery.sequence}</dt>
            <dd>{sequence}</dd>
          </>
        )}
        <dt>{t.deliveries.event}</dt>
        <dd className="mono">
          <a href={href(['events', eventId])}>{eventId}</a>
        </dd>
      </dl>
    </Card>
  )
}
