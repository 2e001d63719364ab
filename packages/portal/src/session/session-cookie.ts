const NAME = 'x_portal_session'

/** The value of the session's cookie. */
export function readSessionCookie({ headers }: Request): string | undefined {
  for (const pair of (headers.get('cookie') ?? '').split(';')) {
    const [name, value] = pair.trim().split('=')
    if (name === NAME) return value
  }
  return undefined
}

/** What sets the session's cookie; with no lifetime left, what deletes it. */
export function sessionCookie(
  { url }: Request,
  basePath: string,
  value: string,
  lifetimeSeconds: number,
): string {
  const secure = url.startsWith('https:') ? '; Secure' : ''
  // Strict: no other site can have a browser send it. HttpOnly: no script can read it.
  return `${NAME}=${value}; Path=${basePath}/; Max-Age=${lifetimeSeconds}; HttpOnly; SameSite=Strict${secure}`
}
