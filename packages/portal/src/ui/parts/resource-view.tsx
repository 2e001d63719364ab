import type { ReactNode } from 'react'
import { t } from '../preferences.ts'
import type { Resource } from '../resources.ts'
import { ProblemNote } from './problem-note.tsx'

interface ResourceViewProps<TData> {
  readonly resource: Resource<TData>
  readonly children: (data: TData) => ReactNode
}

/** Shows what was fetched; before, that it is on its way, and if it fails, why. */
export function ResourceView<TData>({ resource, children }: ResourceViewProps<TData>) {
  const { data, problem } = resource
  const note = problem && (
    <div className="card-body">
      <ProblemNote problem={problem} canRetry />
    </div>
  )
  if (data === undefined) return note ?? <Skeleton />
  return (
    <>
      {note}
      {children(data)}
    </>
  )
}

function Skeleton() {
  return (
    <div className="skeleton" role="status">
      <span />
      <span />
      <span />
      <div className="visually-hidden">{t.common.loading}</div>
    </div>
  )
}
