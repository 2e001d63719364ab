import { randomUUID } from 'node:crypto'
import type { WebhookSender } from '@x/sender'
import { PortalProblem } from '../problem.ts'
import { createSeal } from '../session/seal.ts'
import {
  assertLinkFields,
  type CreatePortalLink,
  isWebUrl,
  type LinkContent,
  type PortalLink,
  PortalLinkError,
  type PortalLinkOptions,
  type RevokePortalLinks,
  readLinkOptions,
  tenantToRevoke,
} from './link-options.ts'

/** A session that a link has opened. */
export interface OpenedLink {
  /** What the session's requests come with. */
  readonly token: string
  readonly expiresOn: Date
  readonly sessionSeconds: number
}

/** A session, as a request comes with it. */
export interface LinkSession extends LinkContent {
  /** How often the tenant's links had been revoked when its link was made. */
  readonly epoch: number
  /** Milliseconds since 1970. */
  readonly expiresOn: number
}

/** Links into the portal, and the sessions that they open. */
export interface Links {
  /** @throws PortalLinkError */
  create(options: CreatePortalLink): Promise<PortalLink>
  /** @throws PortalProblem 401 `invalid_link`, `link_used`; 404 */
  open(link: unknown): Promise<OpenedLink>
  /** The session of a token; undefined for one that is over, was revoked, or was made elsewhere. */
  sessionOf(token: string): Promise<LinkSession | undefined>
  /** @throws PortalLinkError */
  revoke(options: RevokePortalLinks): Promise<void>
}

interface SealedLink extends LinkContent {
  readonly id: string
  readonly epoch: number
  readonly sessionSeconds: number
  /** Milliseconds since 1970. */
  readonly until: number
}

const MAX_TOKEN_LENGTH = 8_192

/** What the links of a tenant, and the sessions that they have opened, are revoked by. */
const scopeOf = (tenantId: number) => `portal-links:${tenantId}`

/**
 * Creates the links of a portal; without options, none can be made.
 *
 * @throws TypeError, RangeError for options that cannot be used.
 */
export function createLinks(options: PortalLinkOptions | undefined, sender: WebhookSender): Links {
  if (options?.url !== undefined && !isWebUrl(options.url)) {
    throw new TypeError(
      `The portal's links.url must be where browsers find it, such as 'https://app.example.com/portal'; got ${JSON.stringify(options.url)}.`,
    )
  }
  const parts = options && { secret: options.secret, option: 'links.secret' }
  const links = parts && createSeal<SealedLink>({ ...parts, purpose: 'x-events portal link 1' })
  const sessions = parts && createSeal<LinkSession>({ ...parts, purpose: 'x-events portal link session 1' })

  async function isRevoked({ tenantId, epoch }: Pick<LinkSession, 'tenantId' | 'epoch'>): Promise<boolean> {
    return (await sender.tokenEpoch(scopeOf(tenantId))) !== epoch
  }

  return {
    async create(asked) {
      assertLinkFields(asked)
      const url = asked.portalUrl ?? options?.url
      if (!links || url === undefined) {
        throw new PortalLinkError(
          'links_not_configured',
          "createLink: the portal does not know its address and a secret; give it the option 'links'.",
        )
      }
      const { content, expiresInSeconds, sessionSeconds } = readLinkOptions(asked)
      const epoch = await sender.tokenEpoch(scopeOf(content.tenantId))
      const until = Date.now() + expiresInSeconds * 1_000
      const sealed = links.seal({ ...content, id: randomUUID(), epoch, sessionSeconds, until }, until)
      // Behind the #: no server's log, no referrer and no mail scanner that follows links has any use of it.
      return {
        url: `${url.replace(/\/*(?:[?#].*)?$/, '')}/#link=${sealed}`,
        expiresOn: new Date(until),
      }
    },

    async open(link) {
      if (!links || !sessions) throw new PortalProblem(404, 'not_found', 'This portal gives no links.')
      const now = Date.now()
      const isToken = typeof link === 'string' && link.length <= MAX_TOKEN_LENGTH
      const found = isToken ? links.open(link, now) : undefined
      if (!found || (await isRevoked(found))) {
        throw new PortalProblem(401, 'invalid_link', 'This link is not valid, or not any more.', {
          field: 'link',
        })
      }
      const { id, until, sessionSeconds, ...content } = found
      if (!(await sender.redeem(`portal-link:${id}`, new Date(until)))) {
        throw new PortalProblem(401, 'link_used', 'This link has been used; it is good once.', {
          field: 'link',
        })
      }
      const expiresOn = now + sessionSeconds * 1_000
      return {
        token: sessions.seal({ ...content, expiresOn }, expiresOn),
        expiresOn: new Date(expiresOn),
        sessionSeconds,
      }
    },

    async sessionOf(token) {
      const session = token.length > MAX_TOKEN_LENGTH ? undefined : sessions?.open(token, Date.now())
      return session && !(await isRevoked(session)) ? session : undefined
    },

    async revoke(whose) {
      await sender.revokeTokens(scopeOf(tenantToRevoke(whose)))
    },
  }
}
