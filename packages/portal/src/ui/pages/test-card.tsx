import { useState } from 'react'
import type { Delivery, DeliveryDetails, Endpoint, EventType, TriedEndpoint } from '../api-types.ts'
import { duration } from '../format.ts'
import { href } from '../hash-route.ts'
import { ask } from '../http.ts'
import { DeliveryBadge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { Field } from '../parts/field.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { t } from '../preferences.ts'
import { attemptErrorText } from '../problem-text.ts'
import { useResource } from '../resources.ts'
import { useAction } from '../use-action.ts'

const TEST_TYPE = 'Webhook.Test'

/** Sends a test, and shows what comes of it. */
export function TestCard({ endpoint }: { readonly endpoint: Endpoint }) {
  const [testId, setTestId] = useState<string>()
  const path = `endpoints/${encodeURIComponent(endpoint.id)}/test`
  const [eventType, setEventType] = useState('')
  const types = useResource<{ items: readonly EventType[] }>('event-types').data?.items ?? []
  const testing = useAction(async () =>
    setTestId((await ask<Delivery>('POST', path, eventType === '' ? undefined : { eventType })).id),
  )
  return (
    <Card title={t.test.title}>
      {endpoint.enabled ? (
        <>
          <p className="quiet">{t.test.about}</p>
          <Field label={t.deliveries.eventType} hint={t.test.typeHint}>
            {(control) => (
              <select
                {...control}
                className="input"
                value={eventType}
                onChange={(event) => setEventType(event.target.value)}
              >
                <option value="">{TEST_TYPE}</option>
                {types
                  .filter(({ builtIn }) => !builtIn)
                  .map(({ type }) => (
                    <option key={type} value={type}>
                      {type}
                    </option>
                  ))}
              </select>
            )}
          </Field>
          <div>
            <Button kind="primary" isBusy={testing.isBusy} onClick={testing.run}>
              {t.test.action}
            </Button>
          </div>
        </>
      ) : (
        <p className="quiet">{endpoint.ownership === 'pending' ? t.test.verifyFirst : t.test.enableFirst}</p>
      )}
      <ProblemNote problem={testing.problem} />
      <div role="status">{testId !== undefined && <TestResult id={testId} />}</div>
    </Card>
  )
}

function TestResult({ id }: { readonly id: string }) {
  const { data, problem } = useResource<DeliveryDetails>(`deliveries/${encodeURIComponent(id)}`)
  const last = data?.attempts.at(-1)
  if (!data) return problem ? <ProblemNote problem={problem} canRetry /> : <p>{t.test.sending}</p>
  return (
    <div className="stack">
      <div className="row">
        <DeliveryBadge delivery={data} />
        {last?.response && <span>{`HTTP ${last.response.status}`}</span>}
        {last && <span className="quiet">{duration(last.durationMs)}</span>}
        <a href={href(['deliveries', id])}>{t.test.details}</a>
      </div>
      {last && <Outcome attempt={last} />}
    </div>
  )
}

/** Why an attempt has failed, or what was responded. */
export function Outcome({ attempt: { errorCode, response } }: Pick<TriedEndpoint, 'attempt'>) {
  if (errorCode !== undefined && !response) return <p className="anywhere">{attemptErrorText(errorCode)}</p>
  return response && response.body !== '' ? <Code text={response.body} label={t.test.response} /> : null
}
