/** What somebody may do: look, or also change endpoints and see their secrets. */
export type PortalRole = 'viewer' | 'manager'

/** Who asks, as the host knows them. */
export interface PortalUser {
  /** The one tenant whose endpoints and deliveries they see. */
  readonly tenantId: number
  readonly role: PortalRole
}

/**
 * Tells who asks; undefined for nobody that the host knows. It is called for every request, before
 * anything is read.
 */
export type Authorize<TRequest> = (
  request: TRequest,
) => PortalUser | undefined | Promise<PortalUser | undefined>
