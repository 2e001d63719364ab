import { checkedUser, type PortalUser } from '../authorize.ts'
import { type OpenCall, type Route, route } from '../describe/route.ts'
import { choice, count, flag, integer, nullable, object, text, time } from '../describe/schema.ts'
import type { GuessLimit } from '../guess-limit.ts'
import type { Links } from '../links/links.ts'
import { PortalProblem } from '../problem.ts'
import type { AccentShades, Appearance, OpenedLink, Session } from '../ui/api-types.ts'
import type { Identity } from './identity.ts'
import { createSeal } from './seal.ts'
import { readCookie, setCookie } from './session-cookie.ts'
import type { SignInOptions } from './sign-in.ts'

/** Who is signed in, where the portal has people do that. */
export interface Sessions {
  /** Who comes with the session of a link in `Authorization`. Nobody, where it is over; undefined where there is none. */
  linkOf(request: Request): Promise<Identity | undefined>
  /** Who comes with the session of a link in a cookie, if anybody. */
  cookieLinkOf(request: Request): Promise<Identity>
  /** Who has signed in with a token. */
  tokenOf(request: Request): Promise<Identity>
  /** Tells who asks. */
  describe(call: OpenCall): Session
  /**
   * Signs in with a token.
   *
   * @throws PortalProblem 401, 404
   */
  signIn(call: OpenCall, token: unknown): Promise<Response>
  /**
   * Begins the session of a link.
   *
   * @throws PortalProblem 401, 404
   */
  openLink(call: OpenCall, link: unknown): Promise<Response>
  signOut(call: OpenCall): Response
}

/** What {@link createSessions} works with. */
export interface SessionsParts {
  /** Undefined where nobody signs in here. */
  readonly signIn: SignInOptions | undefined
  readonly links: Links
  readonly appearance: Appearance
  readonly guessLimit: GuessLimit
  /** Whether the owner of every endpoint must pass a challenge. */
  readonly verifiesOwnership: boolean
}

const DEFAULT_LIFETIME_SECONDS = 12 * 3_600
const MAX_TOKEN_LENGTH = 2_048
/** The scheme of `Authorization` that the session of a link comes with, where cookies do not work. */
const LINK_SCHEME = /^PortalSession +/i

/** Creates the sessions of a portal. */
export function createSessions(parts: SessionsParts): Sessions {
  const { signIn: options, links, appearance, guessLimit, verifiesOwnership } = parts
  const userOf = async (token: string) => checkedUser(await options?.userOf(token))
  const seal =
    options &&
    createSeal<string>({
      secret: options.secret,
      option: 'signIn.secret',
      purpose: 'x-events portal session 1',
    })
  const { lifetimeSeconds = DEFAULT_LIFETIME_SECONDS, label = 'Access token' } = options ?? {}

  return {
    async linkOf(request) {
      const given = request.headers.get('authorization') ?? ''
      if (!LINK_SCHEME.test(given)) return undefined
      return identityOf(await links.sessionOf(given.replace(LINK_SCHEME, '')))
    },

    async cookieLinkOf(request) {
      const cookie = readCookie(request, 'x_portal_link')
      return identityOf(cookie === undefined ? undefined : await links.sessionOf(cookie))
    },

    async tokenOf(request) {
      const cookie = readCookie(request, 'x_portal_session')
      const token = cookie === undefined ? undefined : seal?.open(cookie, Date.now())
      const user = token === undefined ? undefined : await userOf(token)
      return user ? { user, by: 'token' } : {}
    },

    describe: ({ identity: { user, by, link } }) => ({
      user: user ? shownOf(user) : null,
      signIn: options ? { label } : null,
      canSignOut: by === 'token' || by === 'link',
      link: link
        ? {
            expiresOn: new Date(link.expiresOn).toISOString(),
            remainingSeconds: Math.max(0, Math.ceil((link.expiresOn - Date.now()) / 1_000)),
            returnUrl: link.returnUrl ?? null,
          }
        : null,
      appearance: { ...appearance, locale: link?.locale ?? appearance.locale },
      verifiesOwnership,
    }),

    async signIn({ request, basePath, client }, token) {
      if (!options || !seal) {
        throw new PortalProblem(404, 'not_found', 'This portal has no sign-in of its own; its host has one.')
      }
      const isToken = typeof token === 'string' && token !== '' && token.length <= MAX_TOKEN_LENGTH
      const guess = { client, credential: JSON.stringify(token ?? null) }
      const user = await guessLimit.find(guess, async () => (isToken ? userOf(token) : undefined))
      if (!user || !isToken) {
        throw new PortalProblem(401, 'invalid_token', 'This token is not known here. Is it all of it?', {
          field: 'token',
        })
      }
      const value = seal.seal(token, Date.now() + lifetimeSeconds * 1_000)
      const cookie = { request, basePath, name: 'x_portal_session', value, lifetimeSeconds } as const
      return new Response(null, { status: 204, headers: { 'set-cookie': setCookie(cookie) } })
    },

    async openLink({ request, basePath }, link) {
      const { token, expiresOn, sessionSeconds } = await links.open(link)
      const opened: OpenedLink = { token, expiresOn: expiresOn.toISOString() }
      const lifetimeSeconds = sessionSeconds
      const cookie = { request, basePath, name: 'x_portal_link', value: token, lifetimeSeconds } as const
      return Response.json(opened, { headers: { 'set-cookie': setCookie(cookie) } })
    },

    signOut({ request, basePath, identity: { by } }) {
      const headers = new Headers()
      // Whoever leaves what a link has shown is again who they were before.
      const names =
        by === 'link' ? (['x_portal_link'] as const) : (['x_portal_session', 'x_portal_link'] as const)
      for (const name of names) {
        headers.append('set-cookie', setCookie({ request, basePath, name, value: '', lifetimeSeconds: 0 }))
      }
      return new Response(null, { status: 204, headers })
    },
  }
}

function identityOf(link: Identity['link']): Identity {
  if (!link) return {}
  const { tenantId, role, name } = link
  return { user: { tenantId, role, name }, by: 'link', link }
}

function shownOf({ tenantId, role, operator, name }: PortalUser): NonNullable<Session['user']> {
  return { tenantId, role, operator: operator === true, name: name ?? null }
}

const shades = object<AccentShades>({
  accent: text(),
  text: text('What is readable on it.'),
  soft: text('Behind what is selected.'),
})

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
  link: nullable(
    object<NonNullable<Session['link']>>(
      {
        expiresOn: time(),
        remainingSeconds: count('Until then, by the clock of the server.'),
        returnUrl: nullable(text('Where the portal leads back to.')),
      },
      'The session that a link has opened.',
    ),
  ),
  appearance: object<Session['appearance']>({
    name: nullable(text('What the application is called.')),
    logo: nullable(text()),
    colorScheme: choice(['auto', 'light', 'dark']),
    accent: nullable(object<NonNullable<Session['appearance']['accent']>>({ light: shades, dark: shades })),
    locale: nullable(choice(['en', 'de'])),
  }),
  verifiesOwnership: flag('Whether nothing is sent to any endpoint until its owner has passed a challenge.'),
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
      handle: async (call) => Response.json(sessions.describe(call)),
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
      method: 'POST',
      path: `${path}/link`,
      role: 'anybody',
      operationId: 'openLink',
      summary: 'Open a link, which is good once, for a session',
      description:
        'The session is in a cookie, and in `token`: where cookies do not work, send it as `Authorization: PortalSession <token>`.',
      fields: { link: text('What stands behind `#link=`.') },
      response: object<OpenedLink>({ token: text(), expiresOn: time('When the session ends.') }),
      handle: (call) => sessions.openLink(call, call.fields.link),
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
