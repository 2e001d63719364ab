import { CircleCheck, CircleOff, CirclePause, TriangleAlert } from 'lucide-react'
import type { Delivery, Endpoint, EndpointHealth, Page } from '../api-types.ts'
import { fullTime } from '../format.ts'
import { href } from '../hash-route.ts'
import { ask } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { Time } from '../parts/time.tsx'
import { t } from '../preferences.ts'
import { healthText, resultText } from '../reason-text.ts'
import { useResource } from '../resources.ts'
import { useUser } from '../session.ts'
import { useAction } from '../use-action.ts'
import { EnableButton } from './enable-button.tsx'

const LOOKS = {
  healthy: { tone: 'good', Icon: CircleCheck },
  failing: { tone: 'warn', Icon: TriangleAlert },
  paused: { tone: 'warn', Icon: CirclePause },
  disabled: { tone: 'bad', Icon: CircleOff },
} as const

/** What is the matter with an endpoint, what waits for it, and what can be done about it. */
export function EndpointStatus({ endpoint }: { readonly endpoint: Endpoint }) {
  const resource = useResource<EndpointHealth>(`endpoints/${encodeURIComponent(endpoint.id)}/health`)
  return (
    <ResourceView resource={resource}>
      {(health) => <Status endpoint={endpoint} health={health} />}
    </ResourceView>
  )
}

interface StatusProps {
  readonly endpoint: Endpoint
  readonly health: EndpointHealth
}

function Status({ endpoint, health }: StatusProps) {
  const { state, disablesOn, disabledReason, waiting, failures } = health
  const { tone, Icon } = LOOKS[state]
  const isBad = state !== 'healthy' && state !== 'disabled'
  return (
    <section
      className={`status ${disabledReason === 'manual' ? 'neutral' : tone}`}
      aria-label={t.status.title}
    >
      <Icon aria-hidden />
      <div className="stack-tight">
        <p role="status">
          {healthText(health, endpoint.url === undefined)}{' '}
          {disablesOn !== undefined && t.health.disablesOn(fullTime(disablesOn))}
        </p>
        {waiting > 0 && <Waiting health={health} />}
        {isBad && failures.length > 0 && <LastFailures failures={failures} />}
      </div>
      <div className="row">
        {isBad && waiting > 0 && <TryNow endpointId={endpoint.id} />}
        <EnableButton endpoint={endpoint} />
      </div>
    </section>
  )
}

function Waiting({ health }: { readonly health: EndpointHealth }) {
  const { endpointId, waiting, waitingCapped, oldestWaitingOn, nextAttemptOn } = health
  const pending = href(['endpoints', endpointId], { tab: 'deliveries', state: 'pending' })
  return (
    <dl className="inline-facts small">
      <div>
        <dt>{t.health.waiting}</dt>
        <dd>
          <a href={pending}>{t.more(waiting, waitingCapped)}</a>
        </dd>
      </div>
      {oldestWaitingOn !== undefined && (
        <div>
          <dt>{t.health.oldest}</dt>
          <dd>
            <Time at={oldestWaitingOn} />
          </dd>
        </div>
      )}
      {nextAttemptOn !== undefined && (
        <div>
          <dt>{t.health.next}</dt>
          <dd>
            <Time at={nextAttemptOn} />
          </dd>
        </div>
      )}
    </dl>
  )
}

function LastFailures({ failures }: { readonly failures: EndpointHealth['failures'] }) {
  return (
    <details className="small">
      <summary>{t.health.lastErrors}</summary>
      <ul>
        {failures.toReversed().map(({ on, status, errorCode }) => (
          <li key={on}>
            {`${resultText(status, errorCode)} · `}
            <Time at={on} isExact />
          </li>
        ))}
      </ul>
    </details>
  )
}

/** Makes an attempt of the newest delivery that waits; where it succeeds, the others follow. */
function TryNow({ endpointId }: { readonly endpointId: string }) {
  const { role } = useUser()
  const trying = useAction(async () => {
    const query = new URLSearchParams({ endpointId, state: 'pending', limit: '1' })
    const [newest] = (await ask<Page<Delivery>>('GET', `deliveries?${query}`)).items
    if (newest) await ask('POST', `deliveries/${encodeURIComponent(newest.id)}/resend`)
  })
  if (role !== 'manager') return null
  return (
    <>
      <Button kind="primary" isBusy={trying.isBusy} onClick={trying.run}>
        {t.health.tryNow}
      </Button>
      <ProblemNote problem={trying.problem} />
    </>
  )
}
