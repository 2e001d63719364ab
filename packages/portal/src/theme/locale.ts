/** A language of the pages. */
export type PortalLocale = 'en' | 'de'

/** The languages that the pages are written in. */
export const PORTAL_LOCALES: readonly PortalLocale[] = ['en', 'de']
