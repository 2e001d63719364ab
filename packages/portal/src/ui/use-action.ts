import { useState } from 'react'
import { type Problem, problemOf } from './http.ts'
import { refresh } from './resources.ts'

/** Something that a person has asked for, and how it goes. */
export interface Action {
  readonly isBusy: boolean
  /** Why it has failed, the last time. */
  readonly problem: Problem | undefined
  run(): Promise<void>
  /** Shows the problem no longer. */
  forget(): void
}

/** Does something once at a time, and looks at everything anew afterwards. */
export function useAction(act: () => Promise<unknown>): Action {
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  return {
    isBusy,
    problem,
    forget: () => setProblem(undefined),
    async run() {
      if (isBusy) return
      setBusy(true)
      setProblem(undefined)
      try {
        await act()
      } catch (error) {
        setProblem(problemOf(error))
      }
      setBusy(false)
      refresh()
    },
  }
}
