import type { ReactNode } from 'react'

interface ButtonProps {
  readonly children: ReactNode
  readonly kind?: 'primary' | 'danger' | 'plain'
  readonly slim?: boolean
  readonly type?: 'button' | 'submit'
  /** While what it has begun is under way. */
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
  return (
    <button type={type} className={classes} disabled={isBusy} aria-label={label} onClick={onClick}>
      {children}
    </button>
  )
}
