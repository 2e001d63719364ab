import { useState } from 'react'
import type { DeliveryCount, Job } from '../api-types.ts'
import { ask } from '../http.ts'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { ResourceView } from '../parts/resource-view.tsx'
import { t } from '../preferences.ts'
import { useResource } from '../resources.ts'
import { useUser } from '../session.ts'
import { useAction } from '../use-action.ts'
import { JobItem } from './job-item.tsx'

type What = 'resend' | 'cancel'

interface BulkActionsProps {
  /** The filters, as the API wants them. */
  readonly wanted: Readonly<Record<string, string>>
}

/** Sends again or cancels all that the filters let through: how many that are comes first. */
export function BulkActions({ wanted }: BulkActionsProps) {
  const { role } = useUser()
  const [asked, setAsked] = useState<What>()
  // A search for a text looks at so many only, and names no set that could be changed.
  if (role !== 'manager' || wanted['search'] !== undefined) return null
  return (
    <div className="row">
      <Button slim onClick={() => setAsked('resend')}>
        {t.bulk.resend}
      </Button>
      <Button slim onClick={() => setAsked('cancel')}>
        {t.bulk.cancel}
      </Button>
      {asked && <BulkDialog what={asked} wanted={wanted} onClose={() => setAsked(undefined)} />}
    </div>
  )
}

interface BulkDialogProps extends BulkActionsProps {
  readonly what: What
  readonly onClose: () => void
}

function BulkDialog({ what, wanted, onClose }: BulkDialogProps) {
  const { state, ...filter } = wanted
  // Only what waits can be cancelled.
  const counted = what === 'cancel' ? { ...filter, state: 'pending' } : wanted
  const resource = useResource<DeliveryCount>(`deliveries/count?${new URLSearchParams(counted)}`)
  const [job, setJob] = useState<Job>()
  const starting = useAction(async () => {
    const { hasFailedAttempts, status, ...texts } = filter
    const body = {
      ...texts,
      ...(status === undefined ? {} : { status: /^\d+$/.test(status) ? Number(status) : status }),
      ...(hasFailedAttempts === undefined ? {} : { hasFailedAttempts: hasFailedAttempts === 'true' }),
      ...(what === 'resend' && state !== undefined ? { state } : {}),
    }
    setJob(await ask<Job>('POST', `deliveries/${what}`, body))
  })
  const isPointless = what === 'cancel' && state !== undefined && state !== 'pending'
  return (
    <Dialog title={t.bulk.titles[what]} onClose={onClose}>
      {job ? (
        <ul>
          <Progress job={job} />
        </ul>
      ) : isPointless ? (
        <p>{t.bulk.onlyPending}</p>
      ) : (
        <ResourceView resource={resource}>
          {({ count, isComplete }) => <p role="status">{t.bulk.count(count, isComplete)}</p>}
        </ResourceView>
      )}
      {!job && <p className="quiet">{t.bulk.about[what]}</p>}
      <ProblemNote problem={starting.problem} />
      <div className="dialog-actions">
        <Button onClick={onClose}>{job ? t.common.close : t.common.notNow}</Button>
        {!job && !isPointless && resource.data !== undefined && resource.data.count > 0 && (
          <Button kind="primary" isBusy={starting.isBusy} onClick={starting.run}>
            {t.bulk.actions[what]}
          </Button>
        )}
      </div>
    </Dialog>
  )
}

function Progress({ job }: { readonly job: Job }) {
  const latest = useResource<Job>(`jobs/${encodeURIComponent(job.id)}`).data
  return <JobItem job={latest ?? job} />
}
