import { ALL_TENANTS, shown } from '@x/events-core'
import type { ActorScope } from '@x/sender'

/** What somebody may do: look, or also change endpoints and see their secrets. */
export type PortalRole = 'viewer' | 'manager'

/** Who asks, as the host knows them. */
export interface PortalUser {
  /** The one tenant whose endpoints and deliveries they see. */
  readonly tenantId: number
  readonly role: PortalRole
  /**
   * Whether they also look after the host's subscriptions, whose events are those of every tenant. It
   * takes {@link PortalParts.engine}.
   * @defaultValue false
   */
  readonly operator?: boolean | undefined
  /**
   * Shown to them, what their live connections are counted by, and who has made their changes, in the audit log. Without it,
   * changes are written down as nobody's, and that secrets were shown is not.
   * @defaultValue nobody in particular
   */
  readonly name?: string | undefined
}

/**
 * Tells who asks; undefined for nobody that the host knows. It is called for every request of the API,
 * before anything is read. The pages themselves hold nothing secret, and are given to anybody.
 */
export type Authorize<TRequest> = (
  request: TRequest,
) => PortalUser | undefined | Promise<PortalUser | undefined>

/**
 * Checks what the host says of somebody: without a tenant of theirs, they would see everybody's.
 *
 * @throws TypeError
 */
export function checkedUser(user: PortalUser | undefined): PortalUser | undefined {
  // `request.user && ...` gives whatever was false.
  if (!user) return undefined
  const { tenantId, role } = Object(user) as Partial<PortalUser>
  const isUser = Number.isSafeInteger(tenantId) && tenantId !== ALL_TENANTS
  if (isUser && (role === 'viewer' || role === 'manager')) return user
  // The host's fault, of which its log tells, and no tenant.
  throw new TypeError(
    `createPortal: authorize and signIn.userOf must give { tenantId, role }, an integer and 'viewer' or 'manager', or undefined; got tenantId ${shown(tenantId)}, role ${shown(role)}`,
  )
}

/** What a user's changes are narrowed to, and whose they are. */
export function scopeOf({ user: { tenantId, name } }: { readonly user: PortalUser }): ActorScope {
  return { tenantId, actor: name }
}
