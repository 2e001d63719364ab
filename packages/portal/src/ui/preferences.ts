import { useSyncExternalStore } from 'react'
import { en } from './texts/en.ts'
import type { Texts } from './texts/texts.ts'

/** The languages that the pages are written in. */
export type Locale = 'en' | 'de'

export const LOCALES: Readonly<Record<Locale, string>> = { en: 'English', de: 'Deutsch' }

const LOADERS: Readonly<Record<Locale, () => Promise<Texts>>> = {
  en: async () => en,
  de: async () => (await import('./texts/de.ts')).de,
}

/** How a person wants to read the pages. */
interface Preferences {
  readonly locale: Locale
  /** An IANA name. */
  readonly timeZone: string
}

/** Every text of the pages, in the language that is chosen now. */
export let t: Texts = en

let preferences: Preferences = { locale: 'en', timeZone: storedTimeZone() ?? ownTimeZone() }
const listeners = new Set<() => void>()

function become(changed: Partial<Preferences>): void {
  preferences = { ...preferences, ...changed }
  for (const listener of listeners) listener()
}

/** The preferences now, and after each change. */
export function usePreferences(): Preferences {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    () => preferences,
  )
}

/** The preferences now, for what is formatted while a page is drawn. */
export function currentPreferences(): Preferences {
  return preferences
}

/** The locale of dates and numbers: the person's own variant of the language, such as `en-GB`. */
export function formatLocale(): string {
  const { locale } = preferences
  return navigator.languages.find((one) => one.split('-')[0] === locale) ?? locale
}

/** Loads the texts of a language, and shows the pages in it. */
export async function chooseLocale(locale: Locale): Promise<void> {
  t = await LOADERS[locale]()
  document.documentElement.lang = locale
  become({ locale })
}

/** Remembers a choice of the language in this browser. */
export function rememberLocale(locale: Locale): void {
  store('locale', locale)
}

/**
 * The language to begin with: the one chosen before in this browser, else what the host asks for, else the browser's.
 *
 * @param wanted - the host's.
 */
export function initialLocale(wanted?: string): Locale {
  const known = [read('locale'), wanted, ...navigator.languages].map((one) => one?.split('-')[0])
  return known.find((one): one is Locale => one !== undefined && Object.hasOwn(LOCALES, one)) ?? 'en'
}

/** Shows times in a time zone from now on, and remembers it in this browser. */
export function chooseTimeZone(timeZone: string): void {
  store('time-zone', timeZone)
  become({ timeZone })
}

/** The time zones to choose from. */
export function timeZones(): readonly string[] {
  return [...new Set([ownTimeZone(), preferences.timeZone, 'UTC', ...Intl.supportedValuesOf('timeZone')])]
}

function ownTimeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}

function storedTimeZone(): string | undefined {
  const stored = read('time-zone')
  try {
    return stored && new Intl.DateTimeFormat('en', { timeZone: stored }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}

// A browser may refuse to store anything, in a frame on another site for one.
function read(name: string): string | undefined {
  try {
    return localStorage.getItem(`x-portal-${name}`) ?? undefined
  } catch {
    return undefined
  }
}

function store(name: string, value: string): void {
  try {
    localStorage.setItem(`x-portal-${name}`, value)
  } catch {}
}
