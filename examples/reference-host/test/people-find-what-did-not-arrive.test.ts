import { testConsumer, waitFor } from '@x/testkit'
import { browserTests } from '@x/testkit/browser'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { jsonOf, openTestHost, type TestHost } from './open-test-host.ts'
import { openPortalWindow } from './portal-window.ts'
import { runSqlElsewhere } from './run-sql-elsewhere.ts'

const COLUMNS = 'started_on, duration_ms, url, signature, status, error_code, details'
const MANY_ATTEMPTS = `with recursive numbers (n) as (select 2 union all select n + 1 from numbers where n < 130)
  insert into xe_webhook_attempt (message_key, endpoint_key, number, ${COLUMNS})
    select message_key, endpoint_key, n, ${COLUMNS} from xe_webhook_attempt, numbers where number = 1;
  update xe_webhook_delivery set attempt_count = 130`

browserTests('the portal answers why a webhook did not arrive', (browser) => {
  let host: TestHost
  let consumer: Awaited<ReturnType<typeof testConsumer>>
  let endpointId: string
  beforeAll(async () => {
    host = await openTestHost()
    consumer = await testConsumer()
    consumer.answer(() => ({ status: 503, body: 'Being moved.', headers: { 'x-reason': 'moving' } }))
    const body = {
      url: consumer.url,
      eventTypes: ['Page.Create'],
      headers: { 'x-api-key': 'k_secret' },
      retrySchedule: [0],
    }
    const created = await jsonOf<{ endpoint: { id: string } }>(host.send('/portal/api/endpoints', { body }))
    endpointId = created.endpoint.id
    for (const path of ['first', 'second']) {
      await host.send('/api/Page', { body: { siteId: 1, name: 'Page', path } })
    }
    await waitFor(async () => {
      const { items } = await jsonOf<{ items: unknown[] }>(
        host.send('/portal/api/deliveries?state=exhausted'),
      )
      return items.length === 2
    }, 'both deliveries to have failed')
  })
  afterAll(async () => {
    await host?.[Symbol.asyncDispose]()
    await consumer?.[Symbol.asyncDispose]()
  })

  it('finds a delivery by a text of its body, and shows both sides of its attempt', async () => {
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go('deliveries')
    await page.getByRole('searchbox', { name: 'Search' }).fill('"path":"second"')
    await page.keyboard.press('Enter')
    const row = page.getByRole('link', { name: /^Failed/ })
    await waitFor(async () => (await row.count()) === 1, 'one delivery')
    expect(new URL(page.url()).hash).toContain('search=')
    await row.press('Enter')
    await page.getByText('All attempts failed.').waitFor()
    await page.getByText('Your server responded with 503.').waitFor()
    await page.getByText('x-reason: moving').waitFor()
    await page.getByText('Being moved.').waitFor()

    await page.locator('summary', { hasText: 'Request' }).press('Enter')
    const request = page.getByLabel('Request headers of attempt 1')
    expect(await request.textContent()).toContain('x-api-key: ***')
    await page.getByRole('button', { name: 'Show values' }).press('Enter')
    await page.getByText('x-api-key: k_secret').waitFor()
    await page.locator('summary', { hasText: 'Timing and connection' }).press('Enter')
    await page.getByText('127.0.0.1:').first().waitFor()
  })

  it('shows all attempts of a delivery, however many there were', async () => {
    const { items } = await jsonOf<{ items: { id: string }[] }>(host.send('/portal/api/deliveries'))
    await runSqlElsewhere(host.dataDir, MANY_ATTEMPTS)
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go(`deliveries/${items[0]?.id}`)
    await page.getByText('Attempts 31 to 130 of 130.').waitFor()
    await page.getByRole('button', { name: 'Older' }).press('Enter')
    await page.getByText('Attempts 1 to 30 of 130.').waitFor()
    await page.getByRole('heading', { name: 'Attempt 1', exact: true }).waitFor()
    await window.focusIs("matches('body *')")
    await page.reload()
    await page.getByText('Attempts 1 to 30 of 130.').waitFor()
    await page.getByRole('button', { name: 'Newer' }).press('Enter')
    await page.getByRole('heading', { name: 'Attempt 130' }).waitFor()
  })

  it('compares two attempts, and copies one as a command', async () => {
    const { items } = await jsonOf<{ items: { id: string }[] }>(host.send('/portal/api/deliveries'))
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await window.go(`deliveries/${items[0]?.id}`)
    await page.getByRole('button', { name: 'Compare' }).press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Compare two attempts' })
    await dialog.getByLabel('First').selectOption({ label: 'Attempt 40' })
    await dialog.getByRole('columnheader', { name: 'Attempt 40' }).waitFor()
    await dialog.getByRole('row', { name: /^Result/ }).waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await window.focusIs("textContent === 'Compare'")

    await page.locator('summary', { hasText: 'Request' }).first().press('Enter')
    await page.getByRole('button', { name: 'Copy as cURL' }).first().press('Enter')
    await page.getByText('Copied').waitFor()
    const copied = await page.evaluate('navigator.clipboard.readText()')
    expect(copied).toContain('curl')
    expect(copied).not.toContain('k_secret')
  })

  it('sends again all that a filter finds, after telling how many that are', async () => {
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    consumer.answer(204)
    await window.go(`endpoints/${endpointId}?tab=deliveries`)
    await page.locator('summary', { hasText: 'More filters' }).press('Enter')
    await page.getByLabel('HTTP status').fill('5xx')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Resend all found' }).press('Enter')
    await page.getByText('2 deliveries', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Resend them' }).press('Enter')
    await page.getByText('2 deliveries sent again').first().waitFor()
    await page.getByText('Done', { exact: true }).first().waitFor()
    await page.getByRole('button', { name: 'Close' }).press('Enter')
    await page.getByText('No delivery fits these filters').waitFor()
  })

  it('tells of an event which endpoints got it, and why the others did not', async () => {
    const body = { url: `${consumer.url}/other`, eventTypes: ['File.*'] }
    await host.send('/portal/api/endpoints', { body })
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go('events')
    await page.getByLabel('Entity', { exact: true }).fill('Page')
    await page.keyboard.press('Enter')
    await page
      .getByRole('link', { name: /^Page\.Create/ })
      .first()
      .press('Enter')
    await page.getByRole('heading', { name: 'Who got it' }).waitFor()
    await page.getByRole('link', { name: /Delivered/ }).waitFor()
    await page.getByText('The endpoint does not subscribe to this event, but to File.*.').waitFor()
    await window.go('events/evt_00000000-0000-7000-8000-000000000000')
    window.expectProblems(/404/)
    await page.getByText('This does not exist').waitFor()
  })

  it('cancels all that a filter finds in one window, and tells in another by whom', async () => {
    const body = { url: `${consumer.url}/late`, eventTypes: ['Page.Create'], retrySchedule: [3_600] }
    const { endpoint } = await jsonOf<{ endpoint: { id: string } }>(
      host.send('/portal/api/endpoints', { body }),
    )
    for (const path of ['third', 'fourth']) {
      await host.send('/api/Page', { body: { siteId: 1, name: 'Page', path } })
    }
    await using desktop = await openPortalWindow(browser(), host)
    await using phone = await openPortalWindow(browser(), host, { width: 360, height: 740 })
    const place = `endpoints/${endpoint.id}?tab=deliveries`
    await phone.go(place)
    const rows = phone.page.locator('a[href^="#/deliveries/dlv_"]')
    await rows.nth(1).waitFor()
    await desktop.go(`${place}&state=pending`)
    await desktop.page.getByRole('button', { name: 'Cancel all pending' }).press('Enter')
    await desktop.page.getByText('2 deliveries', { exact: true }).waitFor()
    await desktop.page.getByRole('button', { name: 'Cancel them' }).press('Enter')
    await desktop.page.getByText('2 deliveries cancelled').first().waitFor()
    await rows.filter({ hasText: 'Cancelled' }).first().click()
    await phone.page.getByText('It was cancelled by a person. Done by admin.').waitFor()
  })
})
