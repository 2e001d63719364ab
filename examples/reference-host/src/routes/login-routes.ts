import { json, Router } from 'express'
import { z } from 'zod'
import { USERNAME } from '../domain/user.ts'
import { ProblemError } from '../http/problem.ts'
import { limitLogins } from '../http/rate-limits.ts'
import { clearSessionCookie, sessionToken, setSessionCookie } from '../http/session-cookie.ts'

/** What somebody logs in with. */
export const loginInput = z.object({
  // Taken as it is: the limit below counts by it, and each user has one spelling.
  username: z.string().regex(USERNAME, 'letters, digits and .@+-_ only'),
  password: z.string().min(1).max(200),
})

/** `POST /api/User/login`, `/logout`: the two changes that nobody needs a token for. */
export function loginRoutes(): Router {
  const router = Router()

  router.post('/login', json({ limit: 4_096 }), ...limitLogins(), async (request, response) => {
    const { username, password } = loginInput.parse(request.body)
    const { sessionRepository, userRepository } = request.services
    const session = await sessionRepository.logIn(username, password)
    // Which of the two is wrong is nobody's business.
    if (!session) throw new ProblemError(401, 'The username or the password is wrong.')
    setSessionCookie(request, response, session.token)
    response.json(await userRepository.getUser(session.userId))
  })
  router.post('/logout', async (request, response) => {
    const token = sessionToken(request)
    if (token !== undefined) await request.services.sessionRepository.logOut(token)
    clearSessionCookie(request, response)
    response.status(204).end()
  })
  return router
}
