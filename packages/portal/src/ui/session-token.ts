let token: string | undefined

/** Remembers the token of a session that a link has opened: for as long as this page is open, and nowhere else. */
export function rememberToken(opened: string | undefined): void {
  token = opened
}

/** Headers that requests come with where cookies may not work. */
export function sessionHeaders(): Readonly<Record<string, string>> {
  return token === undefined ? {} : { authorization: `PortalSession ${token}` }
}
