import { createReceiver } from '@x/receiver'
import { type TestConsumer, testConsumer, waitFor } from '@x/testkit'
import { browserTests, openWindow } from '@x/testkit/browser'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { jsonOf, openTestHost, type TestHost, upload } from './open-test-host.ts'
import { openPortalWindow } from './portal-window.ts'

browserTests('the portal in a browser', (browser) => {
  let host: TestHost
  let fileId: number
  beforeAll(async () => {
    host = await openTestHost()
    fileId = (await jsonOf<{ fileId: number }>(upload(host, 'report.pdf', 'A report.'))).fileId
  })
  afterAll(() => host?.[Symbol.asyncDispose]())

  const download = () => host.send(`/api/File/download/${fileId}`)

  /** Removed when let go of: declare it before the window, whose page may still ask for it until it is closed. */
  async function addEndpoint(consumer: TestConsumer, fields: object = {}) {
    const body = { url: consumer.url, eventTypes: ['File.Download'], ...fields }
    const created = await jsonOf<{ endpoint: { id: string }; secret: string }>(
      host.send('/portal/api/endpoints', { body }),
    )
    return {
      ...created,
      async [Symbol.asyncDispose]() {
        await host.send(`/portal/api/endpoints/${created.endpoint.id}`, { method: 'DELETE' })
      },
    }
  }

  it('asks who one is, says when a token is wrong, and lets one out again', async () => {
    await using window = await openWindow(browser())
    const { page } = window
    await page.goto(`${host.host.url}/portal`)
    expect(new URL(page.url()).pathname).toBe('/portal/')
    await page.getByLabel('Admin token').fill('wrong')
    await page.keyboard.press('Enter')
    await page.getByText('This token is not valid.').waitFor()
    expect(await page.getByLabel('Admin token').getAttribute('aria-invalid')).toBe('true')
    // The browser tells the console of each answer that is no success.
    expect(window.takeProblems()).toEqual([expect.stringContaining('401')])

    await page.getByLabel('Admin token').fill(host.host.adminToken)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Endpoints', exact: true }).waitFor()
    expect(await page.evaluate('document.cookie')).toBe('')
    await page.reload()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Admin token').waitFor()
  })

  it('adds an endpoint that is only read, and looks after its keys', async () => {
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await page.getByRole('link', { name: 'Add endpoint' }).first().click()
    await page.getByLabel('Delivery').selectOption('pull')
    expect(await page.getByRole('textbox', { name: 'URL' }).count()).toBe(0)
    await page.getByLabel('Description').fill('For the warehouse')
    await page.getByRole('button', { name: 'Add endpoint' }).click()
    await page.getByRole('heading', { name: 'Endpoint created' }).waitFor()
    await page.getByRole('link', { name: 'Go to the endpoint' }).click()
    await page.getByRole('heading', { name: 'For the warehouse' }).waitFor()
    await page.getByRole('tab', { name: 'Settings' }).click()

    const keyOf = async () =>
      (await page.getByLabel('API key', { exact: true }).locator('pre').textContent()) ?? ''
    await page.getByRole('button', { name: 'Create a key' }).click()
    const first = await keyOf()
    expect(first).toMatch(/^whk_[\w-]{43}$/)
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByText('never used').waitFor()
    expect(await page.content()).not.toContain(first.slice(12))

    await page.getByRole('button', { name: 'Rotate', exact: true }).click()
    await page.getByRole('button', { name: 'Rotate it' }).click()
    await page.getByText('valid until').waitFor()
    expect(await keyOf()).not.toBe(first)
    await page.getByRole('button', { name: 'Revoke' }).last().click()
    await page.getByRole('button', { name: 'Revoke it' }).click()
    await page.getByText('valid until').waitFor({ state: 'detached' })

    await page.getByRole('tab', { name: 'Test' }).click()
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByText('Pull', { exact: true }).first().waitFor()
    await page.getByRole('link', { name: 'Endpoints' }).first().click()
    await page.getByRole('link', { name: 'For the warehouse' }).click()
    await page.getByRole('tab', { name: 'Settings' }).click()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Delete it' }).click()
    await page.getByText('No endpoints yet').waitFor()
  })

  it('adds an endpoint by the keyboard alone, whose deliveries then arrive by themselves', async () => {
    await using consumer = await testConsumer()
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await page.getByRole('link', { name: 'Add endpoint' }).first().press('Enter')
    await page.getByRole('textbox', { name: 'URL' }).fill('10.0.0.1/hook')
    await page.keyboard.press('Tab')
    await page.getByText('Enter a full URL').waitFor()
    await page.getByRole('textbox', { name: 'URL' }).fill('http://10.0.0.1/hook')
    await page.keyboard.press('Enter')
    await page.getByText('not sent to private or reserved addresses').waitFor()
    await window.focusIs("type === 'url'")
    expect(window.takeProblems()).toEqual([expect.stringContaining('400')])

    await page.getByRole('textbox', { name: 'URL' }).fill(consumer.url)
    await page.getByLabel('Only these').press('Space')
    await page.getByRole('searchbox', { name: 'Search events' }).fill('download')
    await page.getByLabel('File.Download').press('Space')
    await page.getByRole('button', { name: 'Add endpoint' }).press('Enter')
    await page.getByRole('heading', { name: 'Endpoint created' }).waitFor()
    const secret =
      (await page.getByLabel('Current secret', { exact: true }).locator('pre').textContent()) ?? ''
    expect(secret).toMatch(/^whsec_/)

    await page.getByRole('link', { name: 'Deliveries' }).press('Enter')
    await page.getByRole('heading', { name: 'Deliveries', exact: true }).waitFor()
    await download()
    const row = page.getByRole('link', { name: /Delivered File\.Download/ })
    await row.waitFor()
    const [request] = await consumer.received(1)
    const receiver = createReceiver({ secrets: secret })
    expect((await receiver.verify(request?.rawBody ?? '', request?.headers ?? {})).type).toBe('File.Download')

    await row.press('Enter')
    await page.getByText('HTTP 204').waitFor()
    expect(await page.getByRole('region', { name: 'Request body' }).textContent()).toContain(
      '"entityName": "File"',
    )

    await page.getByRole('link', { name: consumer.url }).press('Enter')
    await page.getByRole('tab', { name: 'Settings' }).press('Enter')
    await page.getByRole('button', { name: 'Delete' }).press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    expect(await page.getByRole('dialog').count()).toBe(0)
    await page.getByRole('button', { name: 'Delete' }).press('Enter')
    await page.getByRole('button', { name: 'Delete it' }).press('Enter')
    await page.getByText('No endpoints yet').waitFor()
  })

  it('shows why a consumer fails, when it is tried again, and sends again what it has missed', async () => {
    await using consumer = await testConsumer()
    consumer.answer(() => ({ status: 500, body: 'The disk is full.' }))
    await using added = await addEndpoint(consumer)
    const { endpoint } = added
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go(`deliveries?endpoint=${endpoint.id}&state=pending`)
    await download()
    await page.getByRole('link', { name: /Retrying .*HTTP 500/ }).click()
    await page.getByText('Your server responded with 500').first().waitFor()
    await page.getByText('The disk is full.').first().waitFor()
    await page.getByText('Next attempt').waitFor()

    const failed = consumer.requests.length
    consumer.answer(204)
    await page.getByRole('button', { name: 'Try now' }).click()
    await page.getByText('Delivered', { exact: true }).waitFor()
    expect(await page.getByRole('listitem').getByText('HTTP 204').count()).toBe(1)
    expect(consumer.requests[failed]?.headers['webhook-id']).toBe(consumer.requests[0]?.headers['webhook-id'])
    await page.getByRole('button', { name: 'Resend' }).click()
    await page.getByRole('heading', { name: `Attempt ${failed + 2}` }).waitFor()
  })

  it('tests an endpoint and shows the answer', async () => {
    await using consumer = await testConsumer()
    await using added = await addEndpoint(consumer)
    const { endpoint } = added
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go(`endpoints/${endpoint.id}?tab=test`)
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByRole('region', { name: 'Send a test' }).getByText('HTTP 204').waitFor()
    consumer.answer(() => ({ status: 404, body: 'No such hook.' }))
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByText('No such hook.').waitFor()
    await page.getByRole('tab', { name: 'Settings' }).click()
    await page.getByRole('button', { name: 'Disable' }).click()
    await page.getByRole('button', { name: 'Disable it' }).click()
    await page.getByRole('tab', { name: 'Test' }).click()
    await page.getByText('Enable the endpoint to send it a test.').waitFor()
    await page.getByRole('button', { name: 'Enable' }).click()
    await page.getByRole('button', { name: 'Send a test' }).waitFor()
  })

  it('takes a schedule of retries and metadata by the keyboard, and shows them', async () => {
    await using consumer = await testConsumer()
    await using added = await addEndpoint(consumer, { description: 'Billing' })
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    const path = `endpoints/${added.endpoint.id}`
    await window.go(`${path}/edit`)
    await page.getByText('Advanced', { exact: true }).press('Enter')
    await page.getByLabel('Retry schedule').fill('0s, soon')
    await page.getByRole('button', { name: 'Save changes' }).press('Enter')
    await page.getByText('Enter 1 to 50 waits').waitFor()
    await window.focusIs("value === '0s, soon'")
    await page.getByLabel('Retry schedule').fill('0s, 90, 5m, 2h')
    await page.getByText('4 attempts within').waitFor()
    await page.getByRole('button', { name: 'Add an entry' }).press('Enter')
    await page.getByLabel('Name of entry 1').fill('team')
    await page.getByLabel('Value of entry 1').fill('billing')
    await page.getByRole('button', { name: 'Save changes' }).press('Enter')
    await page.getByText('team: billing').waitFor()
    await page.getByText('at once, 1.5 min, 5 min, 2 hr').waitFor()
    const read = () =>
      jsonOf<{ retrySchedule?: unknown; metadata: unknown }>(host.send(`/portal/api/${path}`))
    expect(await read()).toMatchObject({ retrySchedule: [0, 90, 300, 7_200], metadata: { team: 'billing' } })
    await window.go(`${path}/edit`)
    await page.getByText('Advanced', { exact: true }).press('Enter')
    expect(await page.getByLabel('Retry schedule').inputValue()).toBe('0s, 90s, 5m, 2h')
    await page.getByLabel('Retry schedule').fill('')
    await page.getByRole('button', { name: 'Remove entry 1' }).press('Enter')
    await page.getByRole('button', { name: 'Save changes' }).press('Enter')
    await page.getByText('team: billing').waitFor({ state: 'detached' })
    const { retrySchedule, metadata } = await read()
    expect({ retrySchedule, metadata }).toEqual({ metadata: {} })
  })

  it('tries a content filter on the last events, says what is wrong with it, and goes by it', async () => {
    await using consumer = await testConsumer()
    const pages = [1, 2, 3].map((number) => `/filtered-${number}`)
    for (const path of pages) {
      await host.send('/api/Page', { body: { siteId: 1, name: 'Page', path } })
    }
    // Ended after the window, which would ask for an endpoint that is gone.
    await using added = new AsyncDisposableStack()
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go('endpoints/new')
    await page.getByRole('textbox', { name: 'URL' }).fill(consumer.url)
    await page.locator('summary', { hasText: 'Content filter' }).press('Enter')
    const filter = page.getByLabel('Only events that match')
    await filter.fill('{ path: 1 }')
    await page.keyboard.press('Tab')
    await page.getByText('Enter valid JSON').waitFor()
    expect(await filter.getAttribute('aria-invalid')).toBe('true')

    await filter.fill('{ "path": "/filtered-2" }')
    await page.getByRole('button', { name: 'Try it on recent events' }).press('Enter')
    await page.getByText('The filter does not fit these events.').waitFor()
    await page.getByText('Did you mean data.entity.path?').waitFor()
    expect(window.takeProblems()).toEqual([expect.stringContaining('400')])

    await filter.fill('{ "data.entity.path": "/filtered-2" }')
    await page.getByRole('button', { name: 'Try it on recent events' }).press('Enter')
    await page.getByText(/^1 of the last \d+ events matches\.$/).waitFor()
    await page.locator('summary', { hasText: 'Show them' }).press('Enter')
    await page.getByRole('row', { name: /Page\.Create .*Matches/ }).waitFor()
    expect(await page.getByRole('row', { name: /Does not match/ }).count()).toBeGreaterThan(1)

    await page.getByRole('button', { name: 'Add endpoint' }).press('Enter')
    await page.getByRole('link', { name: 'Go to the endpoint' }).press('Enter')
    await page.getByRole('tab', { name: 'Settings' }).press('Enter')
    await page.getByLabel('Content filter').getByText('/filtered-2').waitFor()
    const endpointId = new URL(page.url()).hash.split(/[/?]/)[2]
    added.defer(async () => {
      await host.send(`/portal/api/endpoints/${endpointId}`, { method: 'DELETE' })
    })
    await page.getByRole('link', { name: 'Edit' }).press('Enter')
    await page.getByLabel('Only events that match').fill('')
    await page.getByRole('button', { name: 'Save changes' }).press('Enter')
    await page.getByRole('link', { name: 'Edit' }).waitFor()
    expect(await page.getByLabel('Content filter').count()).toBe(0)
  })

  it('says what an endpoint waits for whose owner has to answer, and verifies it', async () => {
    await using consumer = await testConsumer()
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go('endpoints/new')
    await page.getByRole('textbox', { name: 'URL' }).fill(consumer.url)
    await page.getByLabel('Verify that the receiver is mine').press('Space')
    await page.getByRole('button', { name: 'Add endpoint' }).click()
    await page.getByText('Nothing is sent to this endpoint until').waitFor()
    const secret =
      (await page.getByLabel('Current secret', { exact: true }).locator('pre').textContent()) ?? ''
    await page.getByRole('link', { name: 'Go to the endpoint' }).click()
    await page.getByText('Not verified', { exact: true }).waitFor()
    await page.getByRole('tab', { name: 'Test' }).click()
    await page.getByText('Verify the endpoint to send it a test.').waitFor()
    expect(await page.getByRole('button', { name: 'Enable' }).count()).toBe(0)
    consumer.answer(404)
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText('did not confirm that it is yours').waitFor()
    expect(window.takeProblems()).toEqual([expect.stringContaining('409')])

    const receiver = createReceiver({ secrets: secret })
    consumer.answer(async ({ rawBody, headers }) => {
      const request = new Request(consumer.url, { method: 'POST', headers: headers as never, body: rawBody })
      const response = await receiver.handle(request)
      return { status: response.status, body: await response.text() }
    })
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText('Healthy', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Send a test' }).waitFor()
    await page.getByRole('tab', { name: 'Settings' }).click()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Delete it' }).click()
    await page.getByText('No endpoints yet').waitFor()
  })

  it('tells of a URL that another endpoint has when one is added and when one is changed', async () => {
    await using consumer = await testConsumer()
    await using _added = await addEndpoint(consumer)
    await using other = await addEndpoint(consumer, { url: `${consumer.url}/other` })
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go(`endpoints/${other.endpoint.id}/edit`)
    await page.getByRole('textbox', { name: 'URL' }).fill(consumer.url)
    await page.getByRole('button', { name: 'Save changes' }).click()
    await page.getByRole('heading', { name: 'Changes saved' }).waitFor()
    await page.getByText('Another endpoint has this URL too').waitFor()
    await page.getByRole('link', { name: 'Go to the endpoint' }).click()
    await page.getByRole('heading', { name: consumer.url, exact: true }).waitFor()
  })

  it('sends again what has failed for good, and tells when that is done', async () => {
    await using consumer = await testConsumer()
    consumer.answer(500)
    await using added = await addEndpoint(consumer, { retrySchedule: [0] })
    const { endpoint } = added
    await download()
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go(`endpoints/${endpoint.id}?tab=deliveries`)
    await page.getByRole('link', { name: /^Failed/ }).waitFor()
    consumer.answer(204)
    await page.getByRole('button', { name: 'Choose what to send again' }).click()
    await page.getByRole('button', { name: 'Send again', exact: true }).click()
    await page.getByText('1 delivery sent again').waitFor()
    await page.getByText('Done', { exact: true }).waitFor()
    await page.getByRole('link', { name: /^Delivered/ }).waitFor()
    expect(consumer.requests[1]?.headers['webhook-id']).toBe(consumer.requests[0]?.headers['webhook-id'])
  })

  it('replaces a secret while webhooks flow, none of which fails to verify', async () => {
    await using consumer = await testConsumer()
    await using added = await addEndpoint(consumer)
    const { endpoint, secret: old } = added
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go(`endpoints/${endpoint.id}?tab=settings`)
    let isFlowing = true
    const flow = (async () => {
      while (isFlowing) await download()
    })()
    await consumer.received(1)
    await page.getByRole('button', { name: 'Rotate secret' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate it' }).click()
    const shown = page.getByLabel('Current secret', { exact: true }).locator('pre')
    await shown.waitFor()
    const renewed = (await shown.textContent()) ?? ''
    expect(renewed).not.toBe(old)
    expect(await page.getByLabel('Previous secret', { exact: true }).locator('pre').textContent()).toBe(old)

    const reached = consumer.requests.length
    await consumer.received(reached + 20)
    isFlowing = false
    await flow
    const former = createReceiver({ secrets: old })
    for (const { rawBody, headers } of consumer.requests) await former.verify(rawBody, headers)
    const both = consumer.requests.filter(({ headers }) => String(headers['webhook-signature']).includes(' '))
    expect(both.length).toBeGreaterThan(0)
    const current = createReceiver({ secrets: renewed })
    for (const { rawBody, headers } of both) await current.verify(rawBody, headers)
    await waitFor(() => both.at(-1) === consumer.requests.at(-1), 'the last to be signed with both')
  })
})
