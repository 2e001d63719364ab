import { ArrowLeft } from 'lucide-react'
import { type ReactNode, useEffect } from 'react'
import { t } from '../preferences.ts'

interface PageHeadProps {
  readonly title: string
  /** A way back to what this belongs to. */
  readonly back?: { readonly to: string; readonly title: string }
  readonly about?: ReactNode
  /** Beside the title: a state. */
  readonly badge?: ReactNode
  /** What can be done here. */
  readonly children?: ReactNode
}

/** The head of a page, and of the browser's window. */
export function PageHead({ title, back, about, badge, children }: PageHeadProps) {
  useEffect(() => {
    document.title = `${title} · ${t.shell.title}`
  }, [title])
  return (
    <div className="page-head">
      <div className="stack-tight">
        {back && (
          <a className="back" href={back.to}>
            <ArrowLeft aria-hidden /> {back.title}
          </a>
        )}
        <div className="row">
          <h1>{title}</h1>
          {badge}
        </div>
        {about && <div className="quiet anywhere">{about}</div>}
      </div>
      {children && <div className="row">{children}</div>}
    </div>
  )
}
