import { testConsumer, waitFor } from '@x/testkit'
import { browserTests, violationsOf } from '@x/testkit/browser'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonOf, openTestHost, type TestHost } from './open-test-host.ts'
import { openPortalWindow, type PortalWindow } from './portal-window.ts'

const XSS = `<img src=x onerror="document.title='ran'"><script>document.title='ran'</script>`

/** Each page, and what shows that it is there: what somebody has typed, where there is such. */
const pages: readonly { place: string; sign: string; typed?: string }[] = [
  { place: 'endpoints', sign: XSS },
  { place: 'endpoints/new', sign: 'Advanced' },
  { place: 'endpoints/:endpoint', sign: 'Latest deliveries' },
  { place: 'endpoints/:endpoint?tab=deliveries', sign: 'Choose what to send again' },
  { place: 'endpoints/:endpoint?tab=settings', sign: 'Custom headers' },
  { place: 'endpoints/:endpoint?tab=test', sign: 'marked as a test' },
  { place: 'endpoints/:pending', sign: 'Nothing is sent to this endpoint until' },
  { place: 'endpoints/:endpoint/edit', sign: 'Save changes' },
  { place: 'deliveries', sign: 'Page.Create' },
  { place: 'deliveries?state=cancelled', sign: 'No delivery fits' },
  { place: 'deliveries/:delivery', sign: 'Your server responded with 500', typed: XSS },
  { place: 'events', sign: 'Page.Create' },
  { place: 'events/:event', sign: 'Who got it' },
  { place: 'endpoints/:endpoint?tab=history', sign: 'Endpoint created' },
  { place: 'alerts', sign: 'Nobody is notified yet.' },
  { place: 'audit-log', sign: 'Endpoint created' },
  { place: 'event-types', sign: 'A page was added.' },
  { place: 'event-types/Page.Create', sign: 'createReceiver' },
  { place: 'subscriptions', sign: 'Running, some parked' },
  { place: 'subscriptions/broken', sign: XSS },
  { place: 'nowhere', sign: 'There is nothing at this address' },
]

const IS_SHOWN = `document.querySelector('main h1') !== null && document.querySelector('.skeleton') === null`

/** What is wider than its place, and neither scrolls nor ends in an ellipsis. */
const OVERFLOWING = `[...document.querySelectorAll('header *, main *, footer *')]
  .filter((one) => one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1 && !one.closest('pre, svg, select, input, .folds thead'))
  .filter((one) => { const { display, overflowX, textOverflow } = getComputedStyle(one)
    return display !== 'inline' && textOverflow !== 'ellipsis' && !['auto', 'scroll'].includes(overflowX) })
  .map((one) => one.tagName + '.' + one.className + ': ' + one.textContent.slice(0, 80))`

/** On how many lines the navigation is. */
const HEADER_LINES = `new Set([...document.querySelectorAll('header nav li')].map((one) => one.offsetTop)).size`

/** On how many lines the tabs of a page are, if it has any. */
const TAB_LINES = `new Set([...document.querySelectorAll('main [role=tab]')].map((one) => one.offsetTop)).size`

interface Created {
  readonly endpoint: { readonly id: string }
}

browserTests('the pages of the portal', (browser) => {
  let host: TestHost
  let consumer: Awaited<ReturnType<typeof testConsumer>>
  let endpointId: string
  let pendingId: string
  let deliveryId: string
  let eventId: string
  beforeAll(async () => {
    host = await openTestHost()
    consumer = await testConsumer()
    consumer.answer(() => ({ status: 500, headers: { 'content-type': 'text/html' }, body: XSS }))
    const body = {
      url: `${consumer.url}?q=<script>document.title='ran'</script>`,
      description: XSS,
      headers: { 'x-note': XSS },
      eventTypes: ['Page.*'],
      metadata: { note: XSS },
    }
    const created = await jsonOf<Created>(host.send('/portal/api/endpoints', { body }))
    endpointId = created.endpoint.id
    const unverified = { url: consumer.url, eventTypes: ['Tenant.Delete'], verifyOwnership: true }
    pendingId = (await jsonOf<Created>(host.send('/portal/api/endpoints', { body: unverified }))).endpoint.id
    await host.send('/api/Page', { body: { name: XSS, path: 'x' } })
    // A delivery is listed once its first attempt is recorded.
    deliveryId = await waitFor(async () => {
      const { items } = await jsonOf<{ items: { id: string }[] }>(host.send('/portal/api/deliveries'))
      return items[0]?.id
    }, 'the delivery')
    const path = `/portal/api/deliveries/${deliveryId}`
    eventId = (await jsonOf<{ eventId: string }>(host.send(path))).eventId
    const { engine } = host.host.services
    await engine.subscribe(
      {
        entityChanged() {
          throw new Error(XSS)
        },
      },
      { name: 'broken', mode: 'durable', retry: { maxAttempts: 1 } },
    )
    await engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 1 }, 'Visitor', XSS, 'Create', {
      data: XSS,
    })
    host.takeErrors()
  })
  afterAll(async () => {
    host?.takeErrors()
    await host?.[Symbol.asyncDispose]()
    await consumer?.[Symbol.asyncDispose]()
  })

  const placeOf = (place: string) =>
    place
      .replace(':endpoint', endpointId)
      .replace(':pending', pendingId)
      .replace(':delivery', deliveryId)
      .replace(':event', eventId)

  describe.each([
    { name: 'light, on a desktop', look: { colorScheme: 'light', width: 1280 } },
    { name: 'dark, on a phone', look: { colorScheme: 'dark', width: 360, height: 740 } },
  ] as const)('$name', ({ look }) => {
    let window: PortalWindow
    beforeAll(async () => {
      window = await openPortalWindow(browser(), host, look)
    })
    afterAll(() => window?.[Symbol.asyncDispose]())

    it.each(pages)(
      '$place can be used by everybody, fits the window, and shows text as text',
      async ({ place, sign, typed }) => {
        const { page } = window
        await window.go(placeOf(place))
        await page.getByText(sign).first().waitFor()
        await page.evaluate(`for (const one of document.querySelectorAll('main details')) one.open = true`)
        if (typed) await page.getByText(typed).first().waitFor()
        // Opening them has scrolled some below the bar at the top, which would count as too small.
        await page.evaluate('scrollTo(0, 0)')
        expect(await violationsOf(page)).toEqual([])
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(look.width)
        expect(await page.evaluate(TAB_LINES)).toBeLessThanOrEqual(1)
        expect(await page.locator('main img, main script').count()).toBe(0)
        expect(await page.title()).not.toBe('ran')
        expect(window.takeProblems()).toEqual([])
      },
    )

    it('has room for the words of another language', async () => {
      const { page } = window
      await page.getByRole('combobox', { name: 'Language' }).selectOption('de')
      for (const { place } of pages) {
        await window.go(placeOf(place))
        await waitFor(() => page.evaluate(IS_SHOWN), place)
        expect(await page.evaluate(OVERFLOWING), place).toEqual([])
        if (look.width >= 1280) expect(await page.evaluate(HEADER_LINES), place).toBe(1)
      }
      await page.getByRole('combobox', { name: 'Sprache' }).selectOption('en')
    })

    it('asks in a dialog that everybody can use', async () => {
      const { page } = window
      await window.go(`endpoints/${endpointId}?tab=settings`)
      await page.getByRole('button', { name: 'Delete' }).click()
      await page.getByRole('dialog').waitFor()
      expect(await violationsOf(page)).toEqual([])
      await page.keyboard.press('Escape')
    })
  })
})
