import type { OpenedLink } from './api-types.ts'
import { ask, type Problem, problemOf } from './http.ts'
import { rememberToken } from './session-token.ts'

const LINK = /^#link=(.*)$/

let problem: Problem | undefined

/** Why the link of the address could not be opened. */
export function linkProblem(): Problem | undefined {
  return problem
}

/** Opens the link that the address may hold, and takes it out of there: it is good once. */
export async function openLinkOfAddress(): Promise<void> {
  // Another link, given to a page that is open: the address changes, and nothing is loaded.
  addEventListener('hashchange', () => LINK.test(location.hash) && location.reload())
  const [, link] = LINK.exec(location.hash) ?? []
  if (link === undefined) return
  history.replaceState(history.state, '', '#/')
  try {
    const { token } = await ask<OpenedLink>('POST', 'session/link', { link })
    rememberToken(token)
  } catch (error) {
    problem = problemOf(error)
  }
}
