import { testConsumer, waitFor } from '@x/testkit'
import { browserTests } from '@x/testkit/browser'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { jsonOf, openTestHost, type TestHost } from './open-test-host.ts'
import { openPortalWindow } from './portal-window.ts'

const MORE_THAN_A_PAGE = 51

/** Waits for a condition on the element that has the focus. */
browserTests('the portal keeps what people are at', (browser) => {
  let host: TestHost
  let consumer: Awaited<ReturnType<typeof testConsumer>>
  let endpointId: string
  beforeAll(async () => {
    host = await openTestHost()
    consumer = await testConsumer()
    endpointId = await addEndpoint({ url: consumer.url, eventTypes: ['Page.Create'] })
  })
  afterAll(async () => {
    await host?.[Symbol.asyncDispose]()
    await consumer?.[Symbol.asyncDispose]()
  })

  async function addEndpoint(body: object): Promise<string> {
    const created = await jsonOf<{ endpoint: { id: string } }>(host.send('/portal/api/endpoints', { body }))
    return created.endpoint.id
  }

  it('keeps the focus of the keyboard after each action', async () => {
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go(`endpoints/${endpointId}?tab=test`)
    await page.getByRole('button', { name: 'Send a test' }).press('Enter')
    await page.getByText('HTTP 204').waitFor()
    await window.focusIs("textContent.trim() === 'Send a test'")

    await page.getByRole('tab', { name: 'Test' }).press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Show the secret' }).press('Enter')
    await page.getByRole('button', { name: 'Hide' }).waitFor()
    await window.focusIs("textContent.trim() === 'Hide'")

    await page.getByRole('button', { name: 'Disable' }).press('Enter')
    await page.getByRole('dialog').waitFor()
    await window.focusIs(`closest('[role="dialog"]') !== null`)
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await window.focusIs("textContent.trim() === 'Disable'")

    await page.getByRole('button', { name: 'Disable' }).press('Enter')
    await page.getByRole('button', { name: 'Disable it' }).press('Enter')
    await page.getByRole('button', { name: 'Enable' }).first().waitFor()
    await window.focusIs("matches('body *')")
    await page.getByRole('button', { name: 'Enable' }).first().press('Enter')
    await page.getByText('Healthy', { exact: true }).waitFor()

    await window.go('endpoints/new')
    await page.getByRole('textbox', { name: 'URL' }).fill(consumer.url)
    await page.getByLabel('Only these').press('Space')
    await page.getByRole('textbox', { name: 'Description' }).press('Enter')
    await page.getByText('Choose at least one event type').waitFor()
    await window.focusIs("type === 'radio'")
    await page.locator('summary', { hasText: 'Advanced' }).press('Enter')
    await page.getByLabel('All events').press('Space')
    await page.getByLabel('Rate limit').fill('abc')
    await page.keyboard.press('Enter')
    await page.getByText('Enter whole numbers').waitFor()
    await window.focusIs("value === 'abc'")
    window.expectProblems(/400/)
    await page.getByRole('link', { name: 'Cancel' }).press('Enter')
    await page.getByRole('button', { name: 'Leave' }).press('Enter')
    await page.getByRole('heading', { name: 'Endpoints', exact: true }).waitFor()
  })

  it('keeps filters and pages in the address, and the way back leads to them', async () => {
    for (let number = 0; number < MORE_THAN_A_PAGE; number++) {
      await host.send('/api/Page', { body: { siteId: 1, name: 'Page', path: `/place-${number}` } })
    }
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go('deliveries')
    await page.getByLabel('State').selectOption('succeeded')
    await page.getByRole('button', { name: 'Older' }).press('Enter')
    await page.getByRole('button', { name: 'Newer' }).waitFor()
    await window.focusIs("matches('body *')")
    const { hash } = new URL(page.url())
    expect(hash).toMatch(/^#\/deliveries\?state=succeeded&before=dlv_/)

    const row = page.getByRole('link', { name: /^Delivered/ }).first()
    const opened = await row.getAttribute('href')
    await row.press('Enter')
    await page.getByRole('heading', { name: 'Attempts' }).waitFor()
    await page.goBack()
    await page.getByRole('button', { name: 'Newer' }).waitFor()
    expect(new URL(page.url()).hash).toBe(hash)
    await page.locator(`a[href="${opened}"]`).press('Enter')
    await page.getByRole('main').getByRole('link', { name: 'Deliveries' }).press('Enter')
    await page.getByRole('button', { name: 'Newer' }).waitFor()
    expect(new URL(page.url()).hash).toBe(hash)

    await window.go(`endpoints/${endpointId}`)
    await page.getByRole('tab', { name: 'Settings' }).click()
    await page.reload()
    expect(await page.getByRole('tab', { name: 'Settings' }).getAttribute('aria-selected')).toBe('true')
    await page.goBack()
    await page.getByRole('heading', { name: 'Latest deliveries' }).waitFor()
  })

  it('finds endpoints on a phone by text and by how they are, and keeps that in the address', async () => {
    await addEndpoint({
      url: `${consumer.url}/needle`,
      eventTypes: ['Site.Delete'],
      description: 'The needle',
    })
    await using window = await openPortalWindow(browser(), host, { width: 360, height: 740 })
    const { page } = window
    await window.go('endpoints')
    const found = page.getByRole('main').locator('a[href^="#/endpoints/ep_"]')
    await page.getByRole('searchbox', { name: 'Search' }).fill('NEEDLE')
    await page.keyboard.press('Enter')
    await waitFor(async () => (await found.count()) === 1, 'one endpoint')
    await found.getByText('The needle').waitFor()
    await page.reload()
    await waitFor(async () => (await found.count()) === 1, 'one endpoint after a reload')
    await page.getByLabel('State').selectOption('disabled')
    await page.getByText('No endpoint fits these filters').waitFor()
    expect(new URL(page.url()).hash).toBe('#/endpoints?search=NEEDLE&health=disabled')
    await page.getByRole('link', { name: 'Show all endpoints' }).press('Enter')
    await waitFor(async () => (await found.count()) > 1, 'all endpoints')
  })

  it('offers both versions when somebody else has changed an endpoint, and asks before a changed form is left', async () => {
    const id = await addEndpoint({ url: `${consumer.url}/conflict`, eventTypes: ['File.Delete'] })
    const path = `/portal/api/endpoints/${id}`
    const changeElsewhere = (description: string) =>
      host.send(path, { method: 'PATCH', body: { description } })
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    const description = page.getByRole('textbox', { name: 'Description' })
    await window.go(`endpoints/${id}/edit`)
    await description.fill('Mine')
    await page.getByRole('link', { name: 'Event catalog' }).click()
    await page.getByRole('button', { name: 'Stay' }).click()
    expect(await description.inputValue()).toBe('Mine')

    await changeElsewhere('Theirs')
    await page.getByText('Changed: description.').waitFor()
    await page.getByRole('button', { name: 'Load theirs' }).click()
    await page.getByText('Changed: description.').waitFor({ state: 'detached' })
    expect(await description.inputValue()).toBe('Theirs')

    await description.fill('Mine again')
    await changeElsewhere('Theirs again')
    await page.getByRole('button', { name: 'Keep mine' }).click()
    await page.getByRole('button', { name: 'Save changes' }).click()
    await page.getByRole('tab', { name: 'Settings' }).waitFor()
    expect(await jsonOf(host.send(path))).toMatchObject({ description: 'Mine again' })
    await host.send(path, { method: 'DELETE' })
    window.expectProblems(/404/)
  })

  it('offers nothing to do with what was deleted elsewhere', async () => {
    const id = await addEndpoint({ url: `${consumer.url}/deleted`, eventTypes: ['File.Delete'] })
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    window.expectProblems(/404/)
    await window.go(`endpoints/${id}`)
    await page.getByRole('link', { name: 'Edit' }).waitFor()
    await host.send(`/portal/api/endpoints/${id}`, { method: 'DELETE' })
    await page.getByText('This was deleted').waitFor()
    expect(await page.getByRole('main').getByRole('button').count()).toBe(0)
  })

  it('speaks German, and shows times in the zone that is chosen', async () => {
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go(`endpoints/${endpointId}`)
    await page.getByText(/^Times in /).waitFor()
    await page.getByLabel('Time zone').selectOption('Asia/Tokyo')
    await page.getByText('Times in Asia/Tokyo (GMT+9)').waitFor()
    await page.getByLabel('Language').selectOption('de')
    await page.getByText('Neueste Zustellungen').waitFor()
    expect(await page.evaluate('document.documentElement.lang')).toBe('de')
    await page.reload()
    await page.getByText('Zeiten in Asia/Tokyo (GMT+9)').waitFor()
    for (const place of ['endpoints', 'deliveries', 'event-types', 'subscriptions']) {
      await window.go(place)
      await page
        .getByRole('heading', { level: 1, name: /Endpunkte|Zustellungen|katalog|Abonnements/ })
        .waitFor()
    }
  })
})
