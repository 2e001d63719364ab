import { useState } from 'react'
import type { Endpoint, Job, Page } from '../api-types.ts'
import { ask } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field } from '../parts/field.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { useTimeRange } from '../parts/time-range-field.tsx'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'
import { useAction } from '../use-action.ts'
import { JobItem } from './job-item.tsx'

const SHOWN_JOBS = '3'

/** What can be sent again: the route, and what it is asked for. */
const WHAT = {
  failed: { path: 'recover', include: undefined },
  unsuccessful: { path: 'replay', include: 'unsuccessful' },
  missing: { path: 'replay', include: 'missing' },
  all: { path: 'replay', include: 'all' },
} as const
type What = keyof typeof WHAT

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
