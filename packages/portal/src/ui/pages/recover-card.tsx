import { useState } from 'react'
import type { Endpoint, Job, Page } from '../api-types.ts'
import { counted, number } from '../format.ts'
import { ask } from '../http.ts'
import { Badge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field } from '../parts/field.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { Time } from '../parts/time.tsx'
import { useResource } from '../resources.ts'
import { useAction } from '../use-action.ts'
import { WHAT, type What } from './recover-choices.ts'

const SHOWN_JOBS = '3'

/** Sends an endpoint again what it has missed, and shows how that goes. */
export function RecoverCard({ endpoint }: { readonly endpoint: Endpoint }) {
  const [isAsking, setAsking] = useState(false)
  const query = new URLSearchParams({ endpointId: endpoint.id, limit: SHOWN_JOBS })
  const { data, problem } = useResource<Page<Job>>(`jobs?${query}`)
  return (
    <Card title="Send again">
      <p className="quiet">After an outage: what has failed, what was missed, or everything of some time.</p>
      {endpoint.enabled ? (
        <div>
          <Button onClick={() => setAsking(true)}>Choose what to send again</Button>
        </div>
      ) : (
        <p className="quiet">Enable the endpoint first.</p>
      )}
      <ProblemNote problem={problem} canRetry />
      {data && data.items.length > 0 && (
        <ul className="stack" aria-label="Jobs">
          {data.items.map((job) => (
            <JobItem key={job.id} job={job} />
          ))}
        </ul>
      )}
      {isAsking && <RecoverDialog endpointId={endpoint.id} onClose={() => setAsking(false)} />}
    </Card>
  )
}

const KINDS: Readonly<Record<Job['kind'], string>> = {
  recover: 'What has failed',
  replay: 'Replay',
  cancel: 'Cancelling',
}

function JobItem({ job }: { readonly job: Job }) {
  const { id, kind, state, done, total, affected, createdOn, errorMessage } = job
  const cancelling = useAction(() => ask('POST', `jobs/${encodeURIComponent(id)}/cancel`))
  const isRunning = state === 'running'
  return (
    <li className="stack-tight">
      <div className="row apart">
        <span>
          {KINDS[kind]}, <Time at={createdOn} />
        </span>
        <JobBadge state={state} />
      </div>
      {isRunning && (
        <progress className="progress" value={done} max={Math.max(1, total)} aria-label={KINDS[kind]} />
      )}
      <div className="row apart small quiet" role="status">
        <span>
          {isRunning && `${number(done)} of ${number(total)} looked at; `}
          {counted(affected, 'delivery', 'deliveries')} {kind === 'cancel' ? 'cancelled' : 'sent again'}
        </span>
        {isRunning && (
          <Button slim isBusy={cancelling.isBusy} onClick={cancelling.run}>
            Stop
          </Button>
        )}
      </div>
      {errorMessage !== undefined && <p className="anywhere">{errorMessage}</p>}
      <ProblemNote problem={cancelling.problem} />
    </li>
  )
}

function JobBadge({ state }: { readonly state: Job['state'] }) {
  if (state === 'running') return <Badge tone="wait">Running</Badge>
  if (state === 'succeeded') return <Badge tone="good">Done</Badge>
  return state === 'failed' ? <Badge tone="bad">Failed</Badge> : <Badge tone="neutral">Stopped</Badge>
}

const HOUR_MS = 3_600_000
const TIMES = [
  [1, 'The last hour'],
  [24, 'The last day'],
  [3 * 24, 'The last 3 days'],
  [7 * 24, 'The last 7 days'],
  [30 * 24, 'The last 30 days'],
] as const

interface RecoverDialogProps {
  readonly endpointId: string
  readonly onClose: () => void
}

function RecoverDialog({ endpointId, onClose }: RecoverDialogProps) {
  const [what, setWhat] = useState<What>('failed')
  const [hours, setHours] = useState(24)
  const sending = useAction(async () => {
    const { path, include } = WHAT[what]
    const since = new Date(Date.now() - hours * HOUR_MS).toISOString()
    const fields = include === undefined ? { since } : { since, include }
    await ask('POST', `endpoints/${encodeURIComponent(endpointId)}/${path}`, fields)
    onClose()
  })
  return (
    <Dialog title="Send again" onClose={onClose}>
      <Field label="What" hint={WHAT[what].hint}>
        {(control) => (
          <select
            {...control}
            className="input"
            value={what}
            onChange={(event) => setWhat(event.target.value as What)}
          >
            {Object.entries(WHAT).map(([value, { title }]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Of">
        {(control) => (
          <select
            {...control}
            className="input"
            value={hours}
            onChange={(event) => setHours(Number(event.target.value))}
          >
            {TIMES.map(([value, title]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
        )}
      </Field>
      <ProblemNote problem={sending.problem} />
      <div className="dialog-actions">
        <Button onClick={onClose}>Not now</Button>
        <Button kind="primary" isBusy={sending.isBusy} onClick={sending.run}>
          Send again
        </Button>
      </div>
    </Dialog>
  )
}
