import type { FieldNames } from '@x/events-core'
import { assertOption } from '../assert-option.ts'
import type { Appearance } from '../ui/api-types.ts'
import { accentOf, type Rgb, readColor } from './accent.ts'
import { PORTAL_LOCALES, type PortalLocale } from './locale.ts'

/** How the pages look: as a part of the host. */
export interface PortalTheme {
  /**
   * What the host is called: `Example`. The way back is titled with it.
   * @defaultValue the pages are called Webhooks
   */
  readonly name?: string | undefined
  /**
   * An image shown beside the name: a URL with `https:`, or a `data:` URL of an image.
   * @defaultValue the portal's own
   */
  readonly logo?: string | undefined
  /**
   * The color of buttons and links: `#4338ca`, `rgb(67 56 202)` or `hsl(245 58% 51%)`. Where it would be hard to read, a
   * darker or lighter shade of it is shown.
   * @defaultValue the portal's own
   */
  readonly accent?: string | undefined
  /** @defaultValue 'auto': what the person's system has */
  readonly colorScheme?: PortalColorScheme | undefined
}

/** Light, dark, or what the person's system has. */
export type PortalColorScheme = 'auto' | 'light' | 'dark'

/** What the portal's looks are made of. */
export interface AppearanceOptions {
  /**
   * How the pages look.
   * @defaultValue as the portal's own
   */
  readonly theme?: PortalTheme | undefined
  /**
   * The language of the pages, until a person chooses another.
   * @defaultValue the browser's, as far as it is English or German
   */
  readonly locale?: PortalLocale | undefined
}

const COLOR_SCHEMES: readonly PortalColorScheme[] = ['auto', 'light', 'dark']
const MAX_NAME_LENGTH = 80
const MAX_LOGO_LENGTH = 100_000
const LOGO_DATA = /^data:image\/(?:png|jpeg|gif|webp|avif|svg\+xml)[;,]/i
/** What lies behind the accent, by color scheme. */
const SURFACES: Readonly<Record<'light' | 'dark', Rgb>> = { light: [255, 255, 255], dark: [24, 28, 37] }

const THEME_NAMES: FieldNames<PortalTheme> = { name: true, logo: true, accent: true, colorScheme: true }

/** @throws TypeError for what no page can show. */
export function resolveAppearance({ theme, locale }: AppearanceOptions): Appearance {
  const { name, logo, accent, colorScheme = 'auto' } = assertOption.fields('theme', theme, THEME_NAMES)
  const isName = name === undefined || (typeof name === 'string' && name.length <= MAX_NAME_LENGTH)
  assertOption(isName, 'theme.name', `a text of at most ${MAX_NAME_LENGTH} characters`, name)
  assertOption(
    logo === undefined || isLogo(logo),
    'theme.logo',
    'an https: URL, or a data: URL of an image',
    logo,
  )
  const color = accent === undefined ? undefined : readColor(accent)
  const expected = 'a color such as #4338ca, rgb(67 56 202) or hsl(245 58% 51%)'
  assertOption(accent === undefined || color !== undefined, 'theme.accent', expected, accent)
  const isScheme = COLOR_SCHEMES.includes(colorScheme)
  assertOption(isScheme, 'theme.colorScheme', `one of ${COLOR_SCHEMES.join(', ')}`, colorScheme)
  const isLocale = locale === undefined || PORTAL_LOCALES.includes(locale)
  assertOption(isLocale, 'locale', `one of ${PORTAL_LOCALES.join(', ')}`, locale)
  return {
    name: name ?? null,
    logo: logo ?? null,
    colorScheme,
    accent: color ? { light: accentOf(color, SURFACES.light), dark: accentOf(color, SURFACES.dark) } : null,
    locale: locale ?? null,
  }
}

function isLogo(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > MAX_LOGO_LENGTH) return false
  return LOGO_DATA.test(value) || URL.parse(value)?.protocol === 'https:'
}
