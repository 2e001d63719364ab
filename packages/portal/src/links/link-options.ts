import { ALL_TENANTS, type Assertion, createAssertion, EventsError, type FieldNames } from '@x/events-core'
import { assertFields } from '../assert-option.ts'
import type { PortalRole } from '../authorize.ts'
import { PORTAL_LOCALES, type PortalLocale } from '../theme/locale.ts'

/** Lets the host hand the portal to somebody as a link. */
export interface PortalLinkOptions {
  /**
   * Where browsers find the portal: `https://app.example.com/portal`.
   * @defaultValue none: each `createLink` says so itself, as `portalUrl`
   */
  readonly url?: string | undefined
  /**
   * Seals links and their sessions: at least 32 characters or bytes, the same on every node. With another one, all links
   * and sessions end.
   */
  readonly secret: string | Uint8Array
}

/** Whom a link is for, and for how long. */
export interface CreatePortalLink {
  readonly tenantId: number
  readonly role: PortalRole
  /**
   * Shown to them, and what their live connections are counted by.
   * @defaultValue nobody in particular
   */
  readonly name?: string | undefined
  /**
   * Seconds for which the link can be opened, 1 to 604800 (7 days).
   * @defaultValue 600
   */
  readonly expiresInSeconds?: number | undefined
  /**
   * Seconds that the session lasts from then on, 60 to 43200 (12 hours).
   * @defaultValue 3600
   */
  readonly sessionSeconds?: number | undefined
  /**
   * Where the portal leads back to: `https:` or `http:`.
   * @defaultValue nowhere
   */
  readonly returnUrl?: string | undefined
  /**
   * The language of the pages, until the person chooses another.
   * @defaultValue the portal's `locale`
   */
  readonly locale?: PortalLocale | undefined
  /**
   * Where this tenant's browsers find the portal, where each tenant has an address of its own.
   * @defaultValue the `url` of the portal's `links`
   */
  readonly portalUrl?: string | undefined
}

/** Whose links to revoke. */
export interface RevokePortalLinks {
  readonly tenantId: number
}

/** A link into the portal. */
export interface PortalLink {
  /** To be opened in a browser, or shown in a frame. Whoever opens it first is signed in. */
  readonly url: string
  /** Until when it can be opened. */
  readonly expiresOn: Date
}

/** Why no link was made. */
export type PortalLinkErrorCode = 'invalid_link' | 'links_not_configured'

/** Thrown where a link cannot be made as it was asked for. */
export class PortalLinkError extends EventsError<PortalLinkErrorCode> {
  static override readonly errorName = 'PortalLinkError'
}

/** What a session that a link has opened is about. */
export interface LinkContent {
  readonly tenantId: number
  readonly role: PortalRole
  readonly name?: string | undefined
  readonly returnUrl?: string | undefined
  readonly locale?: PortalLocale | undefined
}

const DEFAULT_LINK_SECONDS = 600
const MAX_LINK_SECONDS = 7 * 24 * 3_600
const DEFAULT_SESSION_SECONDS = 3_600
const MIN_SESSION_SECONDS = 60
const MAX_SESSION_SECONDS = 12 * 3_600
const MAX_NAME_LENGTH = 200
const MAX_URL_LENGTH = 2_048

function linkAssertion(method: 'createLink' | 'revokeLinks'): Assertion {
  return createAssertion((field, expected, got) => {
    const name = field === '' ? 'options' : field
    return new PortalLinkError('invalid_link', `${method}: ${name} must be ${expected}; got ${got}.`)
  })
}

const assertLink: Assertion = linkAssertion('createLink')
const assertRevocation: Assertion = linkAssertion('revokeLinks')

const LINK_NAMES: FieldNames<CreatePortalLink> = {
  tenantId: true,
  role: true,
  name: true,
  expiresInSeconds: true,
  sessionSeconds: true,
  returnUrl: true,
  locale: true,
  portalUrl: true,
}
const REVOCATION_NAMES: FieldNames<RevokePortalLinks> = { tenantId: true }

function assertTenant(assert: Assertion, tenantId: unknown): void {
  const isTenant = Number.isSafeInteger(tenantId) && tenantId !== ALL_TENANTS
  assert(isTenant, 'tenantId', 'the id of one tenant', tenantId)
}

/** @throws PortalLinkError `invalid_link` */
export function assertLinkFields(options: CreatePortalLink): void {
  assertFields(assertLink, '', options, LINK_NAMES)
}

/**
 * The tenant whose links are revoked.
 *
 * @throws PortalLinkError `invalid_link`
 */
export function tenantToRevoke(options: RevokePortalLinks): number {
  assertFields(assertRevocation, '', options, REVOCATION_NAMES)
  assertTenant(assertRevocation, options.tenantId)
  return options.tenantId
}

/**
 * Checks what a link is asked for with.
 *
 * @throws PortalLinkError `invalid_link`
 */
export function readLinkOptions(options: CreatePortalLink) {
  const { tenantId, role, name, returnUrl, locale, portalUrl } = options
  const { expiresInSeconds = DEFAULT_LINK_SECONDS, sessionSeconds = DEFAULT_SESSION_SECONDS } = options
  assertTenant(assertLink, tenantId)
  assertLink(role === 'viewer' || role === 'manager', 'role', "'viewer' or 'manager'", role)
  const isName = name === undefined || (typeof name === 'string' && name.length <= MAX_NAME_LENGTH)
  assertLink(isName, 'name', `a text of at most ${MAX_NAME_LENGTH} characters`, name)
  assertLink.integer('expiresInSeconds', expiresInSeconds, 1, MAX_LINK_SECONDS)
  assertLink.integer('sessionSeconds', sessionSeconds, MIN_SESSION_SECONDS, MAX_SESSION_SECONDS)
  const isUrl = returnUrl === undefined || isWebUrl(returnUrl)
  assertLink(isUrl, 'returnUrl', 'an absolute URL with https: or http:, without credentials', returnUrl)
  const isPortal = portalUrl === undefined || isWebUrl(portalUrl)
  assertLink(isPortal, 'portalUrl', 'where browsers find the portal, with https: or http:', portalUrl)
  const isLocale = locale === undefined || PORTAL_LOCALES.includes(locale)
  assertLink(isLocale, 'locale', `one of ${PORTAL_LOCALES.join(', ')}`, locale)
  const content: LinkContent = { tenantId, role, name, returnUrl, locale }
  return { content, expiresInSeconds, sessionSeconds }
}

/** Whether a text is a URL that a page may lead to. */
export function isWebUrl(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > MAX_URL_LENGTH) return false
  const url = URL.parse(value)
  return (
    (url?.protocol === 'https:' || url?.protocol === 'http:') && url.username === '' && url.password === ''
  )
}
