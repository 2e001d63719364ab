import type { Appearance } from './api-types.ts'
import { chooseLocale, initialLocale } from './preferences.ts'

/** What the page around the frame wants, which goes before what the host has said. */
export type Wanted = Partial<Pick<Appearance, 'colorScheme' | 'locale'>>

let told: Appearance | undefined
let wanted: Wanted = {}

/** Shows the pages as the host wants them. */
export function showAppearance(appearance: Appearance): Promise<void> {
  told = appearance
  return show()
}

/** Shows the pages as the page around the frame wants them. */
export function showAsWanted(byFrame: Wanted): Promise<void> {
  wanted = byFrame
  return show()
}

async function show(): Promise<void> {
  const { style } = document.documentElement
  const scheme = wanted.colorScheme ?? told?.colorScheme ?? 'auto'
  style.colorScheme = scheme === 'auto' ? '' : scheme
  const accent = told?.accent
  if (accent) {
    const { light, dark } = accent
    style.setProperty('--accent', `light-dark(${light.accent}, ${dark.accent})`)
    style.setProperty('--accent-text', `light-dark(${light.text}, ${dark.text})`)
    style.setProperty('--accent-soft', `light-dark(${light.soft}, ${dark.soft})`)
  }
  await chooseLocale(initialLocale(wanted.locale ?? told?.locale ?? undefined))
}
