import { useState } from 'react'
import type { Delivery, DeliveryDetails, Endpoint } from '../api-types.ts'
import { duration } from '../format.ts'
import { href } from '../hash-route.ts'
import { ask } from '../http.ts'
import { DeliveryBadge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Code } from '../parts/code.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { useResource } from '../resources.ts'
import { useAction } from '../use-action.ts'

/** Sends a test, and shows what comes of it. */
export function TestCard({ endpoint }: { readonly endpoint: Endpoint }) {
  const [testId, setTestId] = useState<string>()
  const path = `endpoints/${encodeURIComponent(endpoint.id)}/test`
  const testing = useAction(async () => setTestId((await ask<Delivery>('POST', path)).id))
  return (
    <Card title="Try it">
      {endpoint.enabled ? (
        <>
          <p className="quiet">
            Sends <code>Webhook.Test</code> to this endpoint alone, signed as everything else.
          </p>
          <div>
            <Button kind="primary" isBusy={testing.isBusy} onClick={testing.run}>
              Send a test
            </Button>
          </div>
        </>
      ) : (
        <p className="quiet">
          {endpoint.ownership === 'pending' ? 'Verify' : 'Enable'} the endpoint to send it a test.
        </p>
      )}
      <ProblemNote problem={testing.problem} />
      <div role="status">{testId !== undefined && <TestResult id={testId} />}</div>
    </Card>
  )
}

function TestResult({ id }: { readonly id: string }) {
  const { data, problem } = useResource<DeliveryDetails>(`deliveries/${encodeURIComponent(id)}`)
  const last = data?.attempts.at(-1)
  if (!data) return problem ? <ProblemNote problem={problem} canRetry /> : <p>Sending ...</p>
  return (
    <div className="stack">
      <div className="row">
        <DeliveryBadge delivery={data} />
        {last?.response && <span>HTTP {last.response.status}</span>}
        {last && <span className="quiet">in {duration(last.durationMs)}</span>}
        <a href={href(['deliveries', id])}>Details</a>
      </div>
      {last?.errorMessage !== undefined && <p className="anywhere">{last.errorMessage}</p>}
      {last?.response && last.response.body !== '' && (
        <Code text={last.response.body} label="Answer to the test" />
      )}
    </div>
  )
}
