import type { AccentShades } from '../ui/api-types.ts'

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number]

const HEX = /^#(?:([\da-f]{3})|([\da-f]{6}))$/i
const FUNCTION = /^(rgb|hsl)\(\s*([^()]*?)\s*\)$/i
const WHITE: Rgb = [255, 255, 255]
const BLACK: Rgb = [0, 0, 0]
/** What WCAG 2 (AA) wants of text. */
const READABLE = 4.5
const SOFT_SHARE = 0.12

/** Reads a CSS color: hex, `rgb()` or `hsl()`, without an alpha. Undefined for anything else. */
export function readColor(value: unknown): Rgb | undefined {
  if (typeof value !== 'string') return undefined
  const [, short, long] = HEX.exec(value.trim()) ?? []
  const hex = long ?? short?.replaceAll(/./g, '$&$&')
  if (hex) return toRgb([0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)))
  const [, name = '', inside = ''] = FUNCTION.exec(value.trim()) ?? []
  const parts = inside.split(/\s*,\s*|\s+/)
  if (parts.length !== 3) return undefined
  const rgb = name.toLowerCase() === 'hsl' ? ofHsl(parts) : parts.map((part) => numberOf(part, 255))
  return rgb.every((channel) => channel >= 0 && channel <= 255) ? toRgb(rgb.map(Math.round)) : undefined
}

function toRgb([red = 0, green = 0, blue = 0]: readonly number[]): Rgb {
  return [red, green, blue]
}

/** A number, or, with a per cent sign, a share of the whole; NaN for anything else. */
function numberOf(text: string, whole: number): number {
  const [, number, percent] = /^(-?\d+(?:\.\d+)?)(%?)$/.exec(text) ?? []
  return percent ? (Number(number) / 100) * whole : Number(number)
}

function ofHsl([hue = '', saturation = '', lightness = '']: readonly string[]): number[] {
  if (!saturation.endsWith('%') || !lightness.endsWith('%')) return [Number.NaN]
  const h = numberOf(hue.replace(/deg$/, ''), 360)
  const [s, l] = [numberOf(saturation, 1), numberOf(lightness, 1)]
  if (!(s >= 0 && s <= 1 && l >= 0 && l <= 1)) return [Number.NaN]
  const channel = (offset: number) => {
    const k = (((offset + h / 30) % 12) + 12) % 12
    return 255 * (l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1)))
  }
  return [channel(0), channel(8), channel(4)]
}

/** The shades of a color that are readable on a surface, and beneath text. */
export function accentOf(color: Rgb, surface: Rgb): AccentShades {
  const towards = contrast(surface, BLACK) > contrast(surface, WHITE) ? BLACK : WHITE
  for (let share = 0; ; share += 0.05) {
    const accent = mix(color, towards, Math.min(share, 1))
    const soft = mix(surface, accent, SOFT_SHARE)
    const isReadable = contrast(accent, surface) >= READABLE && contrast(accent, soft) >= READABLE
    if (!isReadable && share < 1) continue
    const text = contrast(accent, WHITE) >= contrast(accent, BLACK) ? WHITE : BLACK
    return { accent: hexOf(accent), text: hexOf(text), soft: hexOf(soft) }
  }
}

/** The contrast of two colors, 1 to 21, as WCAG 2 has it. */
export function contrast(first: Rgb, second: Rgb): number {
  const [one, other] = [luminance(first), luminance(second)]
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
}

function luminance(color: Rgb): number {
  const [red = 0, green = 0, blue = 0] = color.map((channel) => {
    const share = channel / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  return toRgb(from.map((channel, index) => Math.round(channel + ((to[index] ?? 0) - channel) * share)))
}

function hexOf(color: Rgb): string {
  return `#${color.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}
