import type { ReactNode } from 'react'
import { href } from '../hash-route.ts'
import { t } from '../preferences.ts'
import type { Resource } from '../resources.ts'
import { Empty } from './empty.tsx'
import { PageHead } from './page-head.tsx'
import { ProblemNote } from './problem-note.tsx'
import { ResourceView } from './resource-view.tsx'

interface PageOfProps<TData> {
  readonly resource: Resource<TData>
  /** The page's title until it is known what it shows. */
  readonly title: string
  readonly back: { readonly to: string; readonly title: string }
  readonly children: (data: TData) => ReactNode
}

/** A page about one thing; where that is deleted, also in another window, the page says so and offers nothing else. */
export function PageOf<TData>({ resource, title, back, children }: PageOfProps<TData>) {
  const { data, problem } = resource
  if (problem?.status === 404) {
    return (
      <>
        <PageHead title={title} back={back} />
        <div className="card">
          <Empty title={data === undefined ? t.notFound.missing : t.notFound.deleted}>
            <p>{t.notFound.about}</p>
            <a href={href(['endpoints'])}>{t.notFound.toEndpoints}</a>
          </Empty>
        </div>
      </>
    )
  }
  if (data === undefined) {
    return (
      <>
        <PageHead title={title} back={back} />
        <div className="card">
          <ResourceView resource={resource}>{() => null}</ResourceView>
        </div>
      </>
    )
  }
  return (
    <>
      <ProblemNote problem={problem} canRetry />
      {children(data)}
    </>
  )
}
