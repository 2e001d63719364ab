export type { PortalEngine, PortalSubscription } from './api/subscriptions.ts'
export type { Authorize, PortalRole, PortalUser } from './authorize.ts'
export { createPortal, type Portal, type PortalOptions } from './create-portal.ts'
export { type ErrorStatus, statusOfError } from './error-status.ts'
export {
  createGuessLimit,
  type Guess,
  type GuessLimit,
  type GuessLimitOptions,
  TooManyGuessesError,
} from './guess-limit.ts'
export {
  type CreatePortalLink,
  type PortalLink,
  PortalLinkError,
  type PortalLinkErrorCode,
  type PortalLinkOptions,
  type RevokePortalLinks,
} from './links/link-options.ts'
export type { PageOptions } from './pages/serve-pages.ts'
export type { PortalLinks } from './portal-handler.ts'
export type { MountedPortalParts, PortalParts } from './portal-options.ts'
export type { SignInOptions } from './session/sign-in.ts'
export type { PortalLocale } from './theme/locale.ts'
export type { AppearanceOptions, PortalColorScheme, PortalTheme } from './theme/theme.ts'
