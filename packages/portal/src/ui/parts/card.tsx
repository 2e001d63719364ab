import { type ReactNode, useId } from 'react'

interface CardProps {
  readonly title: string
  readonly children: ReactNode
  /** Beside the title. */
  readonly actions?: ReactNode
  /** Whether what it holds reaches to its edges, as a table does. */
  readonly isFlush?: boolean
}

/** A part of a page with a title of its own. */
export function Card({ title, children, actions, isFlush = false }: CardProps) {
  const id = useId()
  return (
    <section className="card" aria-labelledby={id}>
      <div className="card-head">
        <h2 id={id}>{title}</h2>
        {actions && <div className="row">{actions}</div>}
      </div>
      {isFlush ? children : <div className="card-body stack">{children}</div>}
    </section>
  )
}
