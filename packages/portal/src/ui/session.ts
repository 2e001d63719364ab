import { createContext, use, useCallback, useEffect, useState } from 'react'
import type { Session } from './api-types.ts'
import { showAppearance } from './appearance.ts'
import { forgetEndpointNames } from './endpoint-names.ts'
import { tellExpired } from './frame.ts'
import { ask, onSignedOut, type Problem, problemOf } from './http.ts'
import { linkProblem } from './open-link.ts'
import { EVERYTHING, forgetResources, whileEnding } from './resources.ts'
import { rememberToken } from './session-token.ts'

/** Who looks at the page, as far as is known. */
export interface SessionState {
  /** Undefined until it was heard. */
  readonly session: Session | undefined
  /** The session of the link that was opened, over or not; null where there was none. */
  readonly link: Session['link']
  readonly problem: Problem | undefined
  /** Counts how often somebody else may have come: what was shown to one person is not shown to the next. */
  readonly visit: number
  /** Asks again. */
  look(): Promise<void>
}

/** Who is signed in, and what holds for them. */
export interface SignedInUser extends NonNullable<Session['user']>, Pick<Session, 'verifiesOwnership'> {}

export const SessionContext = createContext<SignedInUser>({
  tenantId: 0,
  role: 'viewer',
  operator: false,
  name: null,
  verifiesOwnership: false,
})

/** Who is signed in, on a page that only they see. */
export function useUser(): SignedInUser {
  return use(SessionContext)
}

/** Finds out who is signed in, and notices when nobody is any more. */
export function useSessionState(): SessionState {
  const [session, setSession] = useState<Session>()
  const [problem, setProblem] = useState<Problem>()
  const [link, setLink] = useState<Session['link']>(null)
  const [visit, setVisit] = useState(0)
  const look = useCallback(async () => {
    try {
      const heard = await ask<Session>('GET', 'session')
      await showAppearance(heard.appearance)
      tellExpired(heard.user === null)
      setSession(heard)
      if (heard.link) setLink(heard.link)
      setProblem(heard.user === null ? linkProblem() : undefined)
    } catch (error) {
      setProblem(problemOf(error))
    }
  }, [])
  const forgetUser = useCallback(async () => {
    rememberToken(undefined)
    forgetResources()
    forgetEndpointNames()
    await look()
    // Pages that still stand there have let go of what they showed.
    setVisit((before) => before + 1)
  }, [look])
  useEffect(() => {
    void look()
    return onSignedOut(forgetUser)
  }, [look, forgetUser])
  useEffect(() => {
    if (!link) return
    // Not until a time of day: the clock here may differ from the server's.
    const timer = setTimeout(forgetUser, link.remainingSeconds * 1_000)
    return () => clearTimeout(timer)
  }, [link, forgetUser])
  return { session, link, problem, visit, look }
}

/** Ends the session, and begins the page anew. */
export async function signOut(): Promise<void> {
  // What is on the page must not be asked for any more, unless this fails.
  await whileEnding(EVERYTHING, () => ask('DELETE', 'session'))
  forgetResources()
  rememberToken(undefined)
  location.hash = ''
  location.reload()
}
