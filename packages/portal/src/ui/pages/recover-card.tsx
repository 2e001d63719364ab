import { useState } from 'react'
import type { Endpoint, Job, Page } from '../api-types.ts'
import { ask } from '../http.ts'
import { Badge, type Tone } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field } from '../parts/field.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { Time } from '../parts/time.tsx'
import { useTimeRange } from '../parts/time-range-field.tsx'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'
import { useAction } from '../use-action.ts'

const SHOWN_JOBS = '3'

/** What can be sent again: the route, and what it is asked for. */
const WHAT = {
  failed: { path: 'recover', include: undefined },
  unsuccessful: { path: 'replay', include: 'unsuccessful' },
  missing: { path: 'replay', include: 'missing' },
  all: { path: 'replay', include: 'all' },
} as const
export type What = keyof typeof WHAT

/** Sends an endpoint again what it has missed, and shows how that goes. */
export function RecoverCard({ endpoint }: { readonly endpoint: Endpoint }) {
  const [isAsking, setAsking] = useState(false)
  const query = new URLSearchParams({ endpointId: endpoint.id, limit: SHOWN_JOBS })
  const { data, problem } = useResource<Page<Job>>(`jobs?${query}`)
  return (
    <Card title={t.recover.title}>
      <p className="quiet">{t.recover.about}</p>
      {endpoint.enabled ? (
        <div>
          <Button onClick={() => setAsking(true)}>{t.recover.choose}</Button>
        </div>
      ) : (
        <p className="quiet">{t.recover.enableFirst}</p>
      )}
      <ProblemNote problem={problem} canRetry />
      {data && data.items.length > 0 && (
        <ul className="stack" aria-label={t.recover.jobs}>
          {data.items.map((job) => (
            <JobItem key={job.id} job={job} />
          ))}
        </ul>
      )}
      {isAsking && <RecoverDialog endpointId={endpoint.id} onClose={() => setAsking(false)} />}
    </Card>
  )
}

const JOB_TONES: Readonly<Record<Job['state'], Tone>> = {
  running: 'wait',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'neutral',
}

function JobItem({ job }: { readonly job: Job }) {
  const { id, kind, state, done, total, affected, createdOn } = job
  const cancelling = useAction(() => ask('POST', `jobs/${encodeURIComponent(id)}/cancel`))
  const isRunning = state === 'running'
  const title = t.jobs.kinds[kind]
  return (
    <li className="stack-tight">
      <div className="row apart">
        <span>
          {title} · <Time at={createdOn} />
        </span>
        <Badge tone={JOB_TONES[state]}>{t.jobs.states[state]}</Badge>
      </div>
      {isRunning && (
        <progress className="progress" value={done} max={Math.max(1, total)} aria-label={title} />
      )}
      <div className="row apart small quiet" role="status">
        <span>
          {isRunning && `${t.jobs.progress(done, total)} `}
          {kind === 'cancel' ? t.jobs.cancelled(affected) : t.jobs.resent(affected)}
        </span>
        {isRunning && (
          <Button slim isBusy={cancelling.isBusy} onClick={cancelling.run}>
            {t.jobs.stop}
          </Button>
        )}
      </div>
      {state === 'failed' && <p>{t.jobs.failed}</p>}
      <ProblemNote problem={cancelling.problem} />
    </li>
  )
}

interface RecoverDialogProps {
  readonly endpointId: string
  readonly onClose: () => void
}

function RecoverDialog({ endpointId, onClose }: RecoverDialogProps) {
  const [what, setWhat] = useState<What>('failed')
  const range = useTimeRange()
  const sending = useAction(async () => {
    const { path, include } = WHAT[what]
    const fields = include === undefined ? range.value() : { ...range.value(), include }
    await ask('POST', `endpoints/${encodeURIComponent(endpointId)}/${path}`, fields)
    onClose()
  })
  return (
    <Dialog title={t.recover.title} onClose={onClose}>
      <Field label={t.recover.what} hint={t.recover.hints[what]}>
        {(control) => (
          <select
            {...control}
            className="input"
            value={what}
            onChange={(event) => setWhat(event.target.value as What)}
          >
            {(Object.keys(WHAT) as What[]).map((value) => (
              <option key={value} value={value}>
                {t.recover.choices[value]}
              </option>
            ))}
          </select>
        )}
      </Field>
      {range.field}
      <ProblemNote problem={sending.problem} />
      <div className="dialog-actions">
        <Button onClick={onClose}>{t.common.notNow}</Button>
        <Button kind="primary" isBusy={sending.isBusy} onClick={sending.run}>
          {t.recover.action}
        </Button>
      </div>
    </Dialog>
  )
}
