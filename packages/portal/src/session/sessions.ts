import type { PortalUser } from '../authorize.ts'
import type { GuessLimit } from '../guess-limit.ts'
import { PortalProblem } from '../problem.ts'
import { readJsonFields } from '../read-json.ts'
import { readSessionCookie, sessionCookie } from './session-cookie.ts'
import { createSessionSeal } from './session-seal.ts'
import type { SignInOptions } from './sign-in.ts'

/** What `/api/session` is asked with. */
export interface SessionCall {
  readonly request: Request
  readonly basePath: string
  /** Whom the host knows. */
  readonly user: PortalUser | undefined
  /** Where the request comes from. */
  readonly client: string | undefined
}

/** Who is signed in, where the portal has people do that. */
export interface Sessions {
  /** Whose session a request comes with. */
  userOf(request: Request): Promise<PortalUser | undefined>
  /** Answers `/api/session`: who asks, signing in, signing out. */
  handle(call: SessionCall): Promise<Response>
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

  async function describe(request: Request, known: PortalUser | undefined): Promise<Response> {
    const user = known ?? (await userOf(request))
    return Response.json({
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
    })
  }

  async function signIn({ request, basePath, client }: SessionCall): Promise<Response> {
    if (!options || !seal) {
      throw new PortalProblem(404, 'not_found', 'This portal has no sign-in of its own; its host has one.')
    }
    const { token } = await readJsonFields(request, ['token'])
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
    async handle(call) {
      const { request, basePath, user } = call
      if (request.method === 'GET') return describe(request, user)
      if (request.method === 'POST') return signIn(call)
      if (request.method === 'DELETE') return withCookie(sessionCookie(request, basePath, '', 0))
      const allow = 'GET, POST, DELETE'
      throw new PortalProblem(405, 'method_not_allowed', `This path knows ${allow}.`, { headers: { allow } })
    },
  }
}

function withCookie(cookie: string): Response {
  return new Response(null, { status: 204, headers: { 'set-cookie': cookie } })
}
