import { useEffect, useRef } from 'react'
import type { Problem } from '../http.ts'
import { t } from '../preferences.ts'
import { problemText } from '../problem-text.ts'
import { refresh } from '../resources.ts'
import { Button } from './button.tsx'

interface ProblemNoteProps {
  readonly problem: Problem | undefined
  /** Fields that show their own problems. */
  readonly except?: (field: string) => boolean
  readonly canRetry?: boolean
  /** Whether it takes the focus: where a form has failed, and no field shows why. */
  readonly takesFocus?: boolean
}

/** Says what has gone wrong, and what to do. */
export function ProblemNote({ problem, except, canRetry = false, takesFocus = false }: ProblemNoteProps) {
  const note = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (problem && takesFocus) note.current?.focus()
  }, [problem, takesFocus])
  if (!problem || (problem.field !== undefined && except?.(problem.field))) return null
  return (
    <div className="note bad" role="alert" tabIndex={-1} ref={note}>
      <span>{problemText(problem)}</span>
      {canRetry && (
        <Button slim onClick={() => refresh()}>
          {t.common.tryAgain}
        </Button>
      )}
    </div>
  )
}
