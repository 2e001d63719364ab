import { createContext, use, useCallback, useEffect, useState } from 'react'
import type { Session } from './api-types.ts'
import { forgetEndpointNames } from './endpoint-names.ts'
import { ask, onSignedOut, type Problem, problemOf } from './http.ts'
import { forgetResources } from './resources.ts'

/** Who looks at the page, as far as is known. */
export interface SessionState {
  /** Undefined until it was heard. */
  readonly session: Session | undefined
  readonly problem: Problem | undefined
  /** Asks again. */
  look(): Promise<void>
}

export const SessionContext = createContext<NonNullable<Session['user']>>({
  tenantId: 0,
  role: 'viewer',
  operator: false,
  name: null,
})

/** Who is signed in, on a page that only they see. */
export function useUser(): NonNullable<Session['user']> {
  return use(SessionContext)
}

/** Finds out who is signed in, and notices when nobody is any more. */
export function useSessionState(): SessionState {
  const [session, setSession] = useState<Session>()
  const [problem, setProblem] = useState<Problem>()
  const look = useCallback(async () => {
    try {
      setSession(await ask<Session>('GET', 'session'))
      setProblem(undefined)
    } catch (error) {
      setProblem(problemOf(error))
    }
  }, [])
  useEffect(() => {
    void look()
    return onSignedOut(() => {
      forgetResources()
      forgetEndpointNames()
      void look()
    })
  }, [look])
  return { session, problem, look }
}

/** Ends the session, and begins the page anew. */
export async function signOut(): Promise<void> {
  // What is on the page must not be asked for any more.
  forgetResources()
  await ask('DELETE', 'session')
  location.hash = ''
  location.reload()
}
