import { testConsumer, waitFor } from '@x/testkit'
import { browserTests, openWindow } from '@x/testkit/browser'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { jsonOf, openTestHost, type TestHost } from './open-test-host.ts'
import { openPortalWindow } from './portal-window.ts'
import { runSqlElsewhere } from './run-sql-elsewhere.ts'

const DAY_MS = 24 * 3_600_000
const MANY_PENDING = 100_000
const MANY_ENDPOINTS = 105
const SECRET = 'k_shown_to_managers_alone'

/** What a button or a link is called that changes something. */
const ACTION =
  /\b(add|edit|delete|disable|enable|rotate|send|resend|cancel|try|test|verify|save|create|revoke|recover|replay|stop|show the secret|show values)\b/i

browserTests('the portal of a tenant with many webhooks', (browser) => {
  let host: TestHost
  let consumer: Awaited<ReturnType<typeof testConsumer>>
  let endpointId: string
  beforeAll(async () => {
    host = await openTestHost()
    consumer = await testConsumer()
    endpointId = await addEndpoint({
      url: consumer.url,
      eventTypes: ['Page.Create'],
      headers: { 'x-api-key': SECRET },
      retrySchedule: [0],
    })
    await raise('first')
    await waitFor(async () => (await deliveries('succeeded')).length === 1, 'the first delivery')
    consumer.answer(500)
    await raise('second')
    await waitFor(async () => (await deliveries('exhausted')).length === 1, 'the second delivery')
  })
  afterAll(async () => {
    await host?.[Symbol.asyncDispose]()
    await consumer?.[Symbol.asyncDispose]()
  })

  async function addEndpoint(body: object): Promise<string> {
    const created = await jsonOf<{ endpoint: { id: string } }>(host.send('/portal/api/endpoints', { body }))
    return created.endpoint.id
  }
  const raise = (path: string) => host.send('/api/Page', { body: { siteId: 1, name: 'Page', path } })
  async function deliveries(state: string) {
    const path = `/portal/api/deliveries?state=${state}`
    return (await jsonOf<{ items: { id: string; eventId: string; createdOn: string }[] }>(host.send(path)))
      .items
  }

  it('finds what was sent in a time range, which stands in the address and outlives a reload', async () => {
    const [old] = await deliveries('succeeded')
    const key = old?.id.split('_')[2]
    await runSqlElsewhere(
      host.dataDir,
      `update xe_webhook_delivery set created_on = created_on - ${3 * DAY_MS} where message_key = ${key}`,
    )
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    const rows = page.getByRole('main').locator('a[href^="#/deliveries/dlv_"]')
    await window.go('deliveries')
    await page.getByLabel('Time zone').selectOption('Asia/Tokyo')
    await waitFor(async () => (await rows.count()) === 2, 'all deliveries')
    await page.locator('summary', { hasText: 'More filters' }).press('Enter')
    // As Tokyo's clocks show it.
    const dayAgo = new Date(Date.now() + 9 * 3_600_000 - DAY_MS).toISOString().slice(0, 16)
    await page.getByLabel('To', { exact: true }).fill(dayAgo)
    await page.getByLabel('To', { exact: true }).press('Enter')
    await waitFor(async () => (await rows.count()) === 1, 'the older delivery')
    expect(await rows.getAttribute('href')).toBe(`#/deliveries/${old?.id}`)
    await window.focusIs("matches('body *')")
    const { hash } = new URL(page.url())
    const until = Date.parse(`${dayAgo}:00Z`) - 9 * 3_600_000
    expect(new URLSearchParams(hash.split('?')[1]).get('until')).toBe(new Date(until).toISOString())

    await page.reload()
    await page.getByLabel('To', { exact: true }).waitFor()
    expect(await page.getByLabel('To', { exact: true }).inputValue()).toBe(dayAgo)
    await waitFor(async () => (await rows.count()) === 1, 'the older delivery after a reload')
    await page.getByLabel('To', { exact: true }).fill('')
    await page.getByLabel('From', { exact: true }).fill(dayAgo)
    await page.getByLabel('From', { exact: true }).press('Enter')
    await page.getByRole('link', { name: /^Failed/ }).waitFor()
    await waitFor(async () => (await rows.count()) === 1, 'the newer delivery')
    expect(new URL(page.url()).hash).toMatch(/^#\/deliveries\?since=[^&]+$/)
  })

  it('stops a change of many deliveries while it runs', async () => {
    const id = await addEndpoint({ url: `${consumer.url}/late`, eventTypes: ['Site.Delete'] })
    await host.send(`/portal/api/endpoints/${id}/disable`, { method: 'POST' })
    const numbers = `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${MANY_PENDING})`
    const now = Date.now()
    await runSqlElsewhere(
      host.dataDir,
      `${numbers} insert into xe_webhook_message (event_id, event_type, tenant_id, site_id, created_on, body)
        select 'evt_' || n, 'Site.Delete', 1, 1, ${now}, '{}' from numbers;
      insert into xe_webhook_delivery (message_key, endpoint_key, state, due_on, created_on)
        select m.key, e.key, 'pending', ${now + DAY_MS}, ${now}
        from xe_webhook_message m, xe_webhook_endpoint e where m.event_type = 'Site.Delete' and e.id = '${id}'`,
    )
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    // The endpoint is deleted while its page is open.
    window.expectProblems(/404/)
    await window.go(`endpoints/${id}?tab=deliveries&state=pending`)
    await page.getByRole('button', { name: 'Cancel all pending' }).press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.getByText('More than 10,000 deliveries').waitFor()
    await dialog.getByRole('button', { name: 'Cancel them' }).press('Enter')
    await dialog.getByRole('progressbar', { name: 'Cancellation' }).waitFor()
    await dialog.getByRole('button', { name: 'Stop' }).press('Enter')
    await dialog.getByText('Stopped', { exact: true }).waitFor()
    expect(await dialog.getByRole('progressbar').count()).toBe(0)
    await dialog.getByRole('button', { name: 'Close' }).press('Enter')
    const job = await jsonOf<{ items: { state: string; affected: number }[] }>(host.send('/portal/api/jobs'))
    expect(job.items[0]?.state).toBe('cancelled')
    const affected = job.items[0]?.affected ?? 0
    expect(affected).toBeLessThan(MANY_PENDING)
    // What was cancelled until then is what the job says, and nothing is cancelled any more.
    const counted = await jsonOf<{ count: number; isComplete: boolean }>(
      host.send(`/portal/api/deliveries/count?endpointId=${id}&state=pending`),
    )
    expect(counted.isComplete).toBe(MANY_PENDING - affected <= 10_000)
    await host.send(`/portal/api/endpoints/${id}`, { method: 'DELETE' })
  })

  it('pages through more than a hundred endpoints, and finds one that is on no first page', async () => {
    const ids: string[] = []
    for (let number = 1; number <= MANY_ENDPOINTS; number++) {
      const url = `${consumer.url}/many/${String(number).padStart(3, '0')}`
      ids.push(await addEndpoint({ url, eventTypes: ['Module.Delete'] }))
    }
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    const found = page.getByRole('main').locator('a[href^="#/endpoints/ep_"]')
    const seen = new Set<string>()
    const look = async () => {
      for (const one of await found.all()) seen.add((await one.getAttribute('href')) ?? '')
    }
    await window.go('endpoints?search=%2Fmany%2F')
    await waitFor(async () => (await found.count()) === 50, 'the first page')
    await look()
    for (const size of [50, MANY_ENDPOINTS - 100]) {
      await page.getByRole('button', { name: 'Older' }).press('Enter')
      await waitFor(async () => {
        const first = await found.first().getAttribute('href')
        return (await found.count()) === size && !seen.has(first ?? '')
      }, 'the next page')
      await look()
    }
    expect(seen.size).toBe(MANY_ENDPOINTS)
    await page.reload()
    await waitFor(async () => (await found.count()) === MANY_ENDPOINTS - 100, 'the page after a reload')

    // The oldest, which no list begins with.
    await page.getByRole('searchbox', { name: 'Search' }).fill('/many/001')
    await page.keyboard.press('Enter')
    await waitFor(async () => (await found.count()) === 1, 'the endpoint')
    await found.press('Enter')
    await page.getByRole('heading', { name: `${consumer.url}/many/001` }).waitFor()

    await window.go('deliveries')
    await page.getByLabel('Endpoint', { exact: true }).pressSequentially('many/001')
    const suggestion = page.locator('datalist option[value$="/many/001"]')
    await waitFor(async () => (await suggestion.count()) === 1, 'the suggestion')
    await page.getByLabel('Endpoint', { exact: true }).fill(`${consumer.url}/many/001`)
    await page.getByText('No delivery fits these filters').waitFor()
    expect(new URL(page.url()).hash).toBe(`#/deliveries?endpoint=${ids[0]}`)
    // Rows tell the URL of an endpoint that is on no first page.
    await window.go('deliveries?state=exhausted')
    await page.getByRole('main').getByText(consumer.url, { exact: true }).first().waitFor()
  })

  it('offers a viewer nothing to do, and never the values of headers', async () => {
    const link = await jsonOf<{ url: string }>(host.send('/api/PortalLink', { body: { role: 'viewer' } }))
    const [failed] = await deliveries('exhausted')
    const heard: string[] = []
    await using window = await openWindow(browser())
    const { page } = window
    page.on('response', async (response) => heard.push(await response.text().catch(() => '')))
    await page.goto(link.url)
    await page.getByRole('heading', { name: 'Endpoints', exact: true }).waitFor()
    const places: readonly [place: string, sign: string][] = [
      ['endpoints', consumer.url],
      [`endpoints/${endpointId}`, 'Latest deliveries'],
      [`endpoints/${endpointId}?tab=deliveries`, 'HTTP 500'],
      [`endpoints/${endpointId}?tab=settings`, 'x-api-key'],
      [`endpoints/${endpointId}?tab=history`, 'Endpoint created'],
      [`endpoints/${endpointId}/edit`, 'You may look at this, but not change it.'],
      ['endpoints/new', 'You may look at this, but not change it.'],
      ['deliveries?state=exhausted', 'HTTP 500'],
      [`deliveries/${failed?.id}`, 'Your server responded with 500'],
      ['events', 'Page.Create'],
      [`events/${failed?.eventId}`, 'Who got it'],
      ['event-types/Page.Create', 'createReceiver'],
      ['alerts', 'Nobody is notified yet.'],
      ['audit-log', 'Endpoint created'],
    ]
    for (const [place, sign] of places) {
      await page.goto(`${host.host.url}/portal/#/${place}`)
      await page.getByText(sign).first().waitFor()
      await page.evaluate(`for (const one of document.querySelectorAll('main details')) one.open = true`)
      const names = await page
        .getByRole('main')
        .locator('button, a, input[type="checkbox"], input[type="submit"]')
        .evaluateAll((all) =>
          all
            .filter(
              (one) =>
                !one.closest('search') &&
                !/^#\/\w+\/(dlv|evt|ep)_[^/]*$/.test(one.getAttribute('href') ?? ''),
            )
            .map((one) => `${one.getAttribute('aria-label') ?? ''} ${one.textContent}`),
        )
      expect(
        names.filter((name) => ACTION.test(name) && !name.startsWith('Copy')),
        place,
      ).toEqual([])
      expect(await page.content()).not.toContain(SECRET)
    }
    expect(heard.join('\n')).not.toContain(SECRET)
    expect(heard.join('\n')).toContain('x-api-key')
  })
})
