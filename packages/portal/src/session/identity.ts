import type { PortalUser } from '../authorize.ts'
import type { LinkSession } from '../links/links.ts'

/** Who asks, and how that is known. */
export interface Identity {
  /** Undefined for nobody that is known here. */
  readonly user?: PortalUser | undefined
  /** `host`: its `authorize` has told. `token`: they have signed in here. `link`: they have opened one. */
  readonly by?: 'host' | 'token' | 'link' | undefined
  /** The session that a link has opened. */
  readonly link?: LinkSession | undefined
}
