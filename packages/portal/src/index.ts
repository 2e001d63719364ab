export type { Authorize, PortalRole, PortalUser } from './authorize.ts'
export { createPortal, type Portal, type PortalOptions } from './create-portal.ts'
export type { PortalParts } from './portal-handler.ts'
