import { testConsumer, waitFor } from '@x/testkit'
import { browserTests, openWindow } from '@x/testkit/browser'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { jsonOf, openTestHost, type TestHost } from './open-test-host.ts'
import { openPortalWindow } from './portal-window.ts'

const HOUR_MS = 3_600_000
const UNREACHABLE = 'The server cannot be reached.'

browserTests('the portal loses nothing on the way', (browser) => {
  let host: TestHost
  let endpointId: string
  beforeAll(async () => {
    host = await openTestHost()
    await using consumer = await testConsumer()
    const body = { url: consumer.url, eventTypes: ['File.Delete'], description: 'The shop' }
    const created = await jsonOf<{ endpoint: { id: string } }>(host.send('/portal/api/endpoints', { body }))
    endpointId = created.endpoint.id
  })
  afterAll(() => host?.[Symbol.asyncDispose]())

  const alerts = () => jsonOf(host.send('/portal/api/alerts'))

  it('says why a change could not be saved, and saves it afterwards', async () => {
    await using window = await openPortalWindow(browser(), host)
    window.expectProblems(/ERR_FAILED/)
    const { page } = window
    await window.go(`endpoints/${endpointId}/edit`)
    await page.getByRole('textbox', { name: 'Description' }).fill('The other shop')
    const save = page.getByRole('button', { name: 'Save changes' })
    const failure = page.getByRole('alert').getByText(UNREACHABLE)
    const path = `**/portal/api/endpoints/${endpointId}`
    await page.route(path, (route) =>
      route.request().method() === 'PATCH' ? route.abort() : route.continue(),
    )
    await save.press('Enter')
    await failure.waitFor()
    await page.unroute(path)
    await save.press('Enter')
    await page.getByRole('tab', { name: 'Settings' }).waitFor()
    expect(await jsonOf(host.send(`/portal/api/endpoints/${endpointId}`))).toMatchObject({
      description: 'The other shop',
    })
  })

  it('keeps what others have changed in the alert settings, and asks before changed ones are left', async () => {
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go('alerts')
    const disabled = page.getByRole('checkbox', { name: 'An endpoint was disabled' })
    const exhausted = page.getByRole('checkbox', { name: 'A delivery has failed for good' })
    const quiet = page.getByLabel('At most one alert')
    const conflict = page.getByText('Changed: At most one alert')
    const save = page.getByRole('button', { name: 'Save changes' })
    /** As somebody else does, whereupon the page, which looks now and then, looks at once. */
    const changeElsewhere = async (body: object) => {
      await host.send('/portal/api/alerts', { method: 'PATCH', body })
      await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    }
    await disabled.check()
    await page.getByRole('link', { name: 'Event catalog' }).click()
    await page.getByRole('button', { name: 'Stay' }).click()
    expect(await disabled.isChecked()).toBe(true)
    await changeElsewhere({ quietSeconds: 86_400 })
    await conflict.waitFor()
    await page.getByRole('button', { name: 'Keep mine' }).click()
    await conflict.waitFor({ state: 'detached' })
    expect(await quiet.inputValue()).toBe('86400')
    await save.press('Enter')
    await page.getByText('Changes saved').waitFor()
    expect(await alerts()).toMatchObject({ on: ['disabled'], quietSeconds: 86_400 })

    // Where nothing is changed here, the page follows.
    await changeElsewhere({ on: ['exhausted'] })
    await waitFor(() => exhausted.isChecked(), 'what was changed elsewhere')
    expect(await disabled.isChecked()).toBe(false)
    await quiet.selectOption('0')
    await page.getByText('Changes saved').waitFor({ state: 'detached' })
    await changeElsewhere({ quietSeconds: 600 })
    await page.getByRole('button', { name: 'Load theirs' }).click()
    expect(await quiet.inputValue()).toBe('600')
    await page.getByRole('link', { name: 'Event catalog' }).click()
    await page.getByRole('heading', { name: 'Event catalog' }).waitFor()
  })

  it('takes a filter once, with what is chosen after it', async () => {
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await page.clock.install()
    await window.go('deliveries')
    const search = page.getByLabel('Search', { exact: true })
    await search.fill('shop')
    await search.press('Tab')
    await page.getByLabel('State').selectOption('pending')
    const before = await page.evaluate('history.length')
    // Past the pause after which what was typed is taken.
    await page.clock.fastForward(2_000)
    expect(new URL(page.url()).hash).toBe('#/deliveries?search=shop&state=pending')
    expect(await page.evaluate('history.length')).toBe(before)
  })

  it('leads to where one wanted to go when a changed form is left', async () => {
    await using window = await openPortalWindow(browser(), host)
    // The document has no icon.
    window.expectProblems(/404/)
    const { page } = window
    await window.go(`endpoints/${endpointId}/edit`)
    await page.getByRole('textbox', { name: 'Description' }).fill('Never saved')
    await page.locator('a[href="api/openapi.json"]').click()
    await page.getByRole('button', { name: 'Leave' }).click()
    await page.waitForURL('**/portal/api/openapi.json')
  })

  it('shows the page although a time of its address is none, and changes no time by itself', async () => {
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    window.expectProblems(/400/)
    await window.go('deliveries?since=yesterday')
    await page.getByRole('alert').first().waitFor()
    expect(await page.getByLabel('From').inputValue()).toBe('')
    await page.getByRole('button', { name: 'Clear filters' }).click()

    const since = '2026-01-02T03:04:05.678Z'
    await window.go(`deliveries?since=${since}`)
    await page.getByLabel('Time zone').selectOption('Pacific/Honolulu')
    await waitFor(async () => (await page.getByLabel('From').inputValue()) === '2026-01-01T17:04', 'the zone')
    await page.getByLabel('From').focus()
    await page.getByLabel('To', { exact: true }).focus()
    expect(new URL(page.url()).hash).toContain(`since=${since}`)
  })

  it('keeps more filters open when the last of them is cleared', async () => {
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await window.go('deliveries')
    await page.locator('summary', { hasText: 'More filters' }).press('Enter')
    const failed = page.getByRole('checkbox', { name: 'Had failed attempts' })
    await failed.press('Space')
    await page.waitForURL('**/deliveries?failed=true')
    await failed.press('Space')
    await page.waitForURL((url) => !url.hash.includes('failed'))
    expect(await failed.isVisible()).toBe(true)
    await window.focusIs('type === "checkbox"')
  })

  it('sends again those that are shown, where they are those without a failed attempt', async () => {
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    await page.route('**/deliveries/count?*', (route) =>
      route.fulfill({ json: { count: 1, isComplete: true } }),
    )
    await window.go('deliveries?failed=false')
    await page.getByRole('button', { name: 'Resend all found' }).press('Enter')
    const asked = page.waitForRequest('**/portal/api/deliveries/resend')
    await page.getByRole('button', { name: 'Resend them' }).press('Enter')
    expect((await asked).postDataJSON()).toEqual({ hasFailedAttempts: false })
  })

  it('stays as it is when one cannot be signed out', async () => {
    await using window = await openPortalWindow(browser(), host)
    window.expectProblems(/ERR_FAILED/)
    const { page } = window
    await page.route('**/portal/api/session', (route) =>
      route.request().method() === 'DELETE' ? route.abort() : route.continue(),
    )
    await page.getByRole('button', { name: 'Sign out' }).press('Enter')
    await page.getByRole('alert').getByText(UNREACHABLE).waitFor()
    await page.getByRole('link', { name: 'The other shop' }).waitFor()
    await page.getByRole('link', { name: 'Deliveries' }).click()
    await page.getByText('Nothing was sent yet').waitFor()
  })

  it('counts the time of a link by the clock of the server', async () => {
    const body = { role: 'manager' }
    const { url } = await jsonOf<{ url: string }>(host.send('/api/PortalLink', { body }))
    await using window = await openWindow(browser())
    const { page } = window
    let looks = 0
    page.on('request', (request) => {
      if (request.url().endsWith('/portal/api/session')) looks++
    })
    await page.addInitScript((ahead) => {
      const now = Date.now
      Date.now = () => now() + ahead
    }, 2 * HOUR_MS)
    await page.goto(url)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'The other shop' }).waitFor()
    await page.getByRole('link', { name: 'Deliveries' }).click()
    await page.getByText('Nothing was sent yet').waitFor()
    expect(looks).toBe(1)
  })
})
