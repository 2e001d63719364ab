import type { Job } from '../api-types.ts'
import { ask } from '../http.ts'
import { Badge, type Tone } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { Time } from '../parts/time.tsx'
import { t } from '../preferences.ts'
import { useAction } from '../use-action.ts'

const JOB_TONES: Readonly<Record<Job['state'], Tone>> = {
  running: 'wait',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'neutral',
}

/** A change of many deliveries, and how it goes. */
export function JobItem({ job }: { readonly job: Job }) {
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
