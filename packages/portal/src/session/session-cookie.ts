/** A cookie of the portal's own: of who has signed in with a token, or opened a link. */
export type PortalCookie = 'x_portal_session' | 'x_portal_link'

/** The value of a cookie. */
export function readCookie({ headers }: Request, cookie: PortalCookie): string | undefined {
  for (const pair of (headers.get('cookie') ?? '').split(';')) {
    const [name, value] = pair.trim().split('=')
    if (name === cookie) return value
  }
  return undefined
}

/** What {@link setCookie} writes. */
export interface CookieToSet {
  readonly request: Request
  readonly basePath: string
  readonly name: PortalCookie
  readonly value: string
  /** With none left, the cookie is deleted. */
  readonly lifetimeSeconds: number
}

/** What sets a cookie. */
export function setCookie({ request, basePath, name, value, lifetimeSeconds }: CookieToSet): string {
  const isSecure = request.url.startsWith('https:')
  // HttpOnly: no script can read it.
  const attributes = [`${name}=${value}`, `Path=${basePath}/`, `Max-Age=${lifetimeSeconds}`, 'HttpOnly']
  // Partitioned: for a frame on another site, and only there: no third site can have a browser send it.
  if (name === 'x_portal_link' && isSecure)
    return [...attributes, 'SameSite=None', 'Secure', 'Partitioned'].join('; ')
  // Strict: no other site can have a browser send it.
  return [...attributes, 'SameSite=Strict', ...(isSecure ? ['Secure'] : [])].join('; ')
}
