import type { PortalUser } from '../authorize.ts'
import { type OpenCall, type Route, route } from '../describe/route.ts'
import { choice, flag, integer, nullable, object, text } from '../describe/schema.ts'
import type { GuessLimit } from '../guess-limit.ts'
import { PortalProblem } from '../problem.ts'
import type { Session } from '../ui/api-types.ts'
import { readSessionCookie, sessionCookie } from './session-cookie.ts'
import { createSessionSeal } from './session-seal.ts'
import type { SignInOptions } from './sign-in.ts'

/** Who is signed in, where the portal has people do that. */
export interface Sessions {
  /** Whose session a request comes with. */
  userOf(request: Request): Promise<PortalUser | undefined>
  /** Tells who asks. */
  describe(call: OpenCall): Promise<Session>
  /**
   * Signs in with a token.
   *
   * @throws PortalProblem 401, 404
   */
  signIn(call: OpenCall, token: unknown): Promise<Response>
  signOut(call: OpenCall): Response
}

const DEFAULT_LIFETIME_SECONDS = 12 * 3_600
const MAX_TOKEN_LENGTH = 2_048

/** Creates the sessions of a portal; without options nobody can sign in here. */
export function createSessions(options: SignInOptions | undefined, guessLimit: GuessLimit): Sessions {
  const seal = options && createSessionSeal(options.secret)
  const { lifetimeSeconds = DEFAULT_LIFETIME_SECONDS, label = 'Access token' } = options ?? {}

  async function userOf(request: Request): Promise<PortalUser | undefined> {
    const cookie = readSessionCookie(request)
    const token = cookie === undefined ? undefined : seal?.open(cookie, Date.now())
    return token === undefined ? undefined : options?.userOf(token)
  }

  async function describe({ request, known }: OpenCall): Promise<Session> {
    const user = known ?? (await userOf(request))
    return {
      user: user
        ? {
            tenantId: user.tenantId,
            role: user.role,
            operator: user.operator === true,
            name: user.name ?? null,
          }
        : null,
      signIn: options ? { label } : null,
      canSignOut: known === undefined && user !== undefined,
    }
  }

  async function signIn({ request, basePath, client }: OpenCall, token: unknown): Promise<Response> {
    if (!options || !seal) {
      throw new PortalProblem(404, 'not_found', 'This portal has no sign-in of its own; its host has one.')
    }
    const isToken = typeof token === 'string' && token !== '' && token.length <= MAX_TOKEN_LENGTH
    const guess = { client, credential: JSON.stringify(token ?? null) }
    const user = await guessLimit.find(guess, async () => (isToken ? options.userOf(token) : undefined))
    if (!user || !isToken) {
      throw new PortalProblem(401, 'invalid_token', 'This token is not known here. Is it all of it?', {
        field: 'token',
      })
    }
    const value = seal.seal(token, Date.now() + lifetimeSeconds * 1_000)
    return withCookie(sessionCookie(request, basePath, value, lifetimeSeconds))
  }

  return {
    userOf,
    describe,
    signIn,
    signOut: ({ request, basePath }) => withCookie(sessionCookie(request, basePath, '', 0)),
  }
}

const sessionSchema = object<Session>({
  user: nullable(
    object<NonNullable<Session['user']>>({
      tenantId: integer(),
      role: choice(['viewer', 'manager']),
      operator: flag('Whether they look after the subscriptions of the application.'),
      name: nullable(text()),
    }),
  ),
  signIn: nullable(
    object<NonNullable<Session['signIn']>>({
      label: text('What the token is called that one signs in with.'),
    }),
  ),
  canSignOut: flag(),
})

/** The routes of `/api/session`. */
export function sessionRoutes(sessions: Sessions): Route[] {
  const path = '/api/session'
  return [
    route({
      method: 'GET',
      path,
      role: 'anybody',
      operationId: 'getSession',
      summary: 'Tell who asks',
      response: sessionSchema,
      handle: async (call) => Response.json(await sessions.describe(call)),
    }),
    route({
      method: 'POST',
      path,
      role: 'anybody',
      operationId: 'signIn',
      summary: 'Sign in with a token, for a session in a cookie',
      fields: { token: text() },
      response: null,
      handle: (call) => sessions.signIn(call, call.fields.token),
    }),
    route({
      method: 'DELETE',
      path,
      role: 'anybody',
      operationId: 'signOut',
      summary: 'Sign out',
      response: null,
      handle: async (call) => sessions.signOut(call),
    }),
  ]
}

function withCookie(cookie: string): Response {
  return new Response(null, { status: 204, headers: { 'set-cookie': cookie } })
}
