import type { PortalUser } from '../authorize.ts'

/**
 * Lets people sign in with a token in the portal itself, for a host that knows tokens but has no pages to
 * sign in at.
 */
export interface SignInOptions {
  /**
   * Tells whose a token is; undefined for nobody's. It is asked again with every request of a session, so
   * that a token which is worth nothing any more ends the session too.
   */
  userOf(token: string): PortalUser | undefined | Promise<PortalUser | undefined>
  /**
   * Seals what the cookie holds: at least 32 characters or bytes, the same on every node, and kept across
   * restarts, else people have to sign in again.
   */
  readonly secret: string | Uint8Array
  /**
   * How long a session lasts.
   * @defaultValue 43200 (12 hours)
   */
  readonly lifetimeSeconds?: number | undefined
  /**
   * What the token is called, above the field that it is typed into.
   * @defaultValue 'Access token'
   */
  readonly label?: string | undefined
}
