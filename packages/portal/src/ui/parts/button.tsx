import type { MouseEvent, ReactNode } from 'react'

interface ButtonProps {
  readonly children: ReactNode
  readonly kind?: 'primary' | 'danger' | 'plain'
  readonly slim?: boolean
  readonly type?: 'button' | 'submit'
  /** While what it has begun is under way. It keeps the keyboard's focus, which `disabled` would take from it. */
  readonly isBusy?: boolean
  readonly onClick?: () => void
  /** Says more than the visible text, where that is the same for several. */
  readonly label?: string
}

export function Button({
  children,
  kind,
  slim,
  type = 'button',
  isBusy = false,
  onClick,
  label,
}: ButtonProps) {
  const classes = ['button', kind, slim ? 'slim' : undefined].filter(Boolean).join(' ')
  const press = (event: MouseEvent) => {
    if (isBusy) event.preventDefault()
    else onClick?.()
  }
  return (
    <button
      type={type}
      className={classes}
      aria-disabled={isBusy || undefined}
      aria-label={label}
      onClick={press}
    >
      {children}
    </button>
  )
}
