import { z } from 'zod'
import { userKeyOf } from '../cache/host-cache.ts'
import { defineEntity } from '../entity/define-entity.ts'
import { line, text, withheld } from '../entity/fields.ts'
import { limitLogins } from '../http/middleware.ts'
import { ProblemError } from '../http/problems.ts'
import { route } from '../http/route.ts'
import { clearSessionCookie, sessionToken, setSessionCookie } from '../people/sessions.ts'

/** What a username is made of. Each user has one spelling, as failed logins are counted by it. */
const USERNAME = /^[\w.@+-]{1,100}$/

/** Somebody known to a tenant. Users belong to no site; their events carry the one that the request came in by. */
export const user = defineEntity({
  name: 'User',
  noun: 'A user',
  scope: 'tenant',
  migration: '0007-user',
  fields: {
    username: text(z.string().regex(USERNAME, 'letters, digits and .@+-_ only')),
    displayName: text(line(200).min(1)),
    // The address stays here, for those with a token.
    email: withheld(text(z.email().max(254))),
  },
  unique: ['tenantId', 'username'],
  taken: 'The username is taken.',
  isPublic: false,
  example: { tenantId: 1, userId: 5, username: 'ada', displayName: 'Ada' },
  // Windows of the user show what only the user may see, or what no longer is there.
  also: ({ userId }, { action }) =>
    action === 'Create' ? [] : [{ entityName: 'User', entityId: userId, action: 'Reload' }],
  cached: (cache, tenantId, userId) => [cache.users, userKeyOf({ tenantId }, userId)],
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    User: typeof user
  }
}

/** Logging in and out, which nobody needs a token for, and the passwords for it. */
export const userRoutes = [
  route({
    method: 'post',
    path: '/api/User/login',
    summary: 'Logs in, and gives a session in a cookie; raises User.Login',
    tag: 'User',
    audience: 'everybody',
    input: z.object({
      // Taken as it is: the limit counts by it, and each user has one spelling.
      username: z.string().regex(USERNAME, 'letters, digits and .@+-_ only'),
      password: z.string().min(1).max(200),
    }),
    maxBodyBytes: 4_096,
    output: user.schema,
    alsoAnswers: [401, 403, 429],
    before: [limitLogins],
    async handle({ services, input: { username, password }, request, response }) {
      const session = await services.sessionRepository.logIn(username, password)
      // Which of the two is wrong is nobody's business.
      if (!session) throw new ProblemError(401, 'The username or the password is wrong.')
      setSessionCookie(request, response, session.token)
      return services.repositoryOf(user).get(session.userId)
    },
  }),
  route({
    method: 'post',
    path: '/api/User/logout',
    summary: 'Ends the session; raises User.Logout and User.Reload',
    tag: 'User',
    audience: 'everybody',
    status: 204,
    alsoAnswers: [403],
    async handle({ services, request, response }) {
      const token = sessionToken(request)
      if (token !== undefined) await services.sessionRepository.logOut(token)
      clearSessionCookie(request, response)
    },
  }),
  route({
    method: 'post',
    path: '/api/User/logouteverywhere',
    summary: 'Ends all sessions of the user who is logged in; raises User.Logout',
    tag: 'User',
    audience: 'everybody',
    status: 204,
    alsoAnswers: [403],
    async handle({ services, request, response }) {
      if (request.user) await services.sessionRepository.logOutEverywhere(request.user.userId)
      clearSessionCookie(request, response)
    },
  }),
  route({
    method: 'get',
    path: '/api/User/current',
    summary: 'Who is logged in',
    tag: 'User',
    audience: 'everybody',
    output: user.schema,
    alsoAnswers: [401],
    async handle({ services, request }) {
      const found = request.user && (await services.repositoryOf(user).get(request.user.userId))
      if (!found) throw new ProblemError(401, 'Nobody is logged in. POST /api/User/login logs in.')
      return found
    },
  }),
  route({
    method: 'put',
    path: '/api/User/:id/password',
    summary: "Sets a user's password, and ends their sessions",
    tag: 'User',
    audience: 'administrators',
    // Long enough that none is guessed, short enough that none costs much to hash.
    input: z.object({ password: z.string().min(12).max(200) }),
    status: 204,
    handle: ({ services, id, input }) => services.sessionRepository.setPassword(id, input.password),
  }),
]
