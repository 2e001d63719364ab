import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createPortal, type PortalOptions } from '../../src/index.ts'
import { accentOf, contrast, type Rgb, readColor } from '../../src/theme/accent.ts'
import { openSender } from '../open-sender.ts'

const rgbOf = (hex: string): Rgb => readColor(hex) as Rgb

it('tells the pages how to look, and lets them load the logo', async () => {
  await using opened = await openSender()
  const { sender } = opened
  const portal = createPortal({
    sender,
    authorize: () => undefined,
    locale: 'de',
    theme: { name: 'Example', logo: 'https://cdn.example/logo.svg', accent: '#0a7', colorScheme: 'dark' },
  })
  const session = await portal.handle(new Request('https://host.example/api/session'))
  expect(await session.json()).toMatchObject({
    appearance: {
      name: 'Example',
      logo: 'https://cdn.example/logo.svg',
      colorScheme: 'dark',
      locale: 'de',
      accent: { light: { text: '#ffffff' }, dark: { accent: '#00aa77', text: '#000000' } },
    },
  })
  const page = await portal.handle(new Request('https://host.example/'))
  expect(page.headers.get('content-security-policy')).toContain("img-src 'self' data: https://cdn.example;")
})

it('refuses looks that no page can have, and names the option', async () => {
  await using opened = await openSender()
  const { sender } = opened
  for (const [options, message] of [
    [{ theme: { accent: 'red; }' } }, /theme\.accent must be a color such as #4338ca/],
    [{ theme: { accent: '#12345' } }, /theme\.accent/],
    [{ theme: { accent: 'rgb(300, 0, 0)' } }, /theme\.accent/],
    [{ theme: { logo: 'http://cdn.example/logo.svg' } }, /theme\.logo/],
    [{ theme: { logo: 'data:text/html,x' } }, /theme\.logo/],
    [{ theme: { name: 'x'.repeat(81) } }, /theme\.name/],
    [{ theme: { colorScheme: 'sepia' } }, /theme\.colorScheme must be one of auto, light, dark/],
    [{ locale: 'fr' }, /locale must be one of en, de/],
  ] as const) {
    const make = () =>
      createPortal({ sender, authorize: () => undefined, ...options } as unknown as PortalOptions)
    expect(make, JSON.stringify(options)).toThrow(message)
  }
})

it('reads the colors of CSS', () => {
  for (const [text, hex] of [
    ['#FFF', [255, 255, 255]],
    ['#4338ca', [67, 56, 202]],
    ['rgb(67, 56, 202)', [67, 56, 202]],
    ['rgb(0% 50% 100%)', [0, 128, 255]],
    ['hsl(120 100% 25%)', [0, 128, 0]],
    ['hsl(-120deg, 100%, 50%)', [0, 0, 255]],
  ] as const) {
    expect(readColor(text), text).toEqual(hex)
  }
  for (const text of ['', '#12', 'rgb(1 2)', 'rgb(1 2 x)', 'hsl(1 2 3)', 'red', 7]) {
    expect(readColor(text), String(text)).toBeUndefined()
  }
})

it('keeps any accent readable on the page, and text readable on it', () => {
  const channel = fc.integer({ min: 0, max: 255 })
  const surfaces: Rgb[] = [
    [255, 255, 255],
    [24, 28, 37],
  ]
  fc.assert(
    fc.property(channel, channel, channel, fc.constantFrom(...surfaces), (red, green, blue, surface) => {
      const { accent, text, soft } = accentOf([red, green, blue], surface)
      for (const [over, under] of [
        [rgbOf(accent), surface],
        [rgbOf(accent), rgbOf(soft)],
        [rgbOf(text), rgbOf(accent)],
      ] as const) {
        expect(contrast(over, under)).toBeGreaterThanOrEqual(4.5)
      }
    }),
  )
})
