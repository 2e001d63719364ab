import type { Problem } from '../http.ts'
import { refresh } from '../resources.ts'
import { Button } from './button.tsx'

interface ProblemNoteProps {
  readonly problem: Problem | undefined
  /** Fields that show their own problems. */
  readonly except?: (field: string) => boolean
  readonly canRetry?: boolean
}

/** Says what has gone wrong, and what to do. */
export function ProblemNote({ problem, except, canRetry = false }: ProblemNoteProps) {
  if (!problem || (problem.field !== undefined && except?.(problem.field))) return null
  return (
    <div className="note bad" role="alert">
      <span>{problem.message}</span>
      {canRetry && (
        <Button slim onClick={() => refresh()}>
          Try again
        </Button>
      )}
    </div>
  )
}
