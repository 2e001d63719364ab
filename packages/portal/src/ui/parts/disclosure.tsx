import { type ReactNode, useState } from 'react'

interface DisclosureProps {
  /** Whether something within has to be seen: that opens it, and only a person shuts it. */
  readonly opens: boolean
  readonly className?: string
  /** A `summary`, and what is hidden. */
  readonly children: ReactNode
}

/** What few people need, out of the way until it is opened. */
export function Disclosure({ opens, className, children }: DisclosureProps) {
  const [isOpen, setOpen] = useState(opens)
  const [opened, setOpened] = useState(opens)
  if (opened !== opens) {
    setOpened(opens)
    if (opens) setOpen(true)
  }
  return (
    <details className={className} open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      {children}
    </details>
  )
}
