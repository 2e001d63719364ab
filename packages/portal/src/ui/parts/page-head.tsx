import { type ReactNode, useEffect } from 'react'

interface PageHeadProps {
  readonly title: string
  /** A way back to what this belongs to. */
  readonly back?: { readonly to: string; readonly title: string }
  readonly about?: ReactNode
  /** What can be done here. */
  readonly children?: ReactNode
}

/** The head of a page, and of the browser's window. */
export function PageHead({ title, back, about, children }: PageHeadProps) {
  useEffect(() => {
    document.title = `${title} · Webhooks`
  }, [title])
  return (
    <div className="page-head">
      <div className="stack-tight">
        {back && (
          <a className="back" href={back.to}>
            ← {back.title}
          </a>
        )}
        <h1>{title}</h1>
        {about && <div className="quiet anywhere">{about}</div>}
      </div>
      {children && <div className="row">{children}</div>}
    </div>
  )
}
