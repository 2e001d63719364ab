import { type ReactNode, useId } from 'react'

/** What ties a control to its label, its hint and its error. */
export interface FieldControl {
  readonly id: string
  readonly 'aria-describedby': string | undefined
  readonly 'aria-invalid': boolean | undefined
}

interface FieldProps {
  readonly label: string
  readonly hint?: ReactNode
  readonly error?: string | undefined
  readonly children: (control: FieldControl) => ReactNode
}

/** A control with what it is called, what it is for, and what is wrong with it. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId()
  const hintId = hint ? `${id}hint` : ''
  const errorId = error ? `${id}error` : ''
  const control = {
    id,
    'aria-describedby': [hintId, errorId].filter(Boolean).join(' ') || undefined,
    'aria-invalid': error ? true : undefined,
  }
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(control)}
      {hint && (
        <div className="hint" id={hintId}>
          {hint}
        </div>
      )}
      <FieldError id={errorId} error={error} />
    </div>
  )
}

interface FieldErrorProps {
  readonly id?: string
  readonly error: string | undefined
}

/** What is wrong with a field. */
export function FieldError({ id, error }: FieldErrorProps) {
  if (!error) return null
  return (
    <div className="field-error" id={id} role="alert">
      {error}
    </div>
  )
}
