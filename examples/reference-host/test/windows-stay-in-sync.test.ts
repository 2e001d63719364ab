import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { testConsumer, waitFor } from '@x/testkit'
import { type BrowserWindow, browserTests, openWindow, violationsOf } from '@x/testkit/browser'
import { beforeAll, expect, it, vi } from 'vitest'
import { openTestHost, type TestHost, upload } from './open-test-host.ts'

type Page = BrowserWindow['page']

// A window takes seconds to open on a machine that is busy.
vi.setConfig({ testTimeout: 240_000 })

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Opens the host's page, and waits until it is live. */
async function visit(page: Page, { host }: TestHost, signedIn = true): Promise<void> {
  await page.goto(host.url)
  if (signedIn) {
    await page.getByLabel('Token').fill(host.adminToken)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
  }
  await page.getByRole('status').filter({ hasText: 'live' }).waitFor()
}

/** The requests of a page to the API from now on. */
function requestsOf(page: Page): string[] {
  const paths: string[] = []
  page.on('request', (request) => paths.push(`${request.method()} ${new URL(request.url()).pathname}`))
  return paths
}

const pageIn = (page: Page, title: string) => page.locator('#pages').getByText(title, { exact: true })

browserTests('the page of the host', (browser) => {
  beforeAll(async () => {
    // `npm test` has built everything; a single test need not have.
    if (existsSync(`${root}packages/client/dist/browser.js`)) return
    await promisify(execFile)(process.execPath, ['scripts/build.ts'], { cwd: root })
  })

  it('shows in one window what is done in another, and fetches nothing else', async () => {
    await using host = await openTestHost()
    await host.send('/api/Page', { body: { name: 'Home' } })
    await host.send('/api/Page', { body: { name: 'About' } })
    await using one = await openWindow(browser())
    await using two = await openWindow(browser())
    await visit(one.page, host)
    await visit(two.page, host, false)
    const requests = requestsOf(two.page)

    await one.page.getByRole('button', { name: 'Home' }).click()
    await one.page.getByLabel('Title').fill('Welcome')
    await one.page.getByRole('button', { name: 'Save' }).click()
    await pageIn(two.page, 'Welcome').waitFor()
    await pageIn(one.page, 'Welcome').waitFor()
    expect(requests).toEqual(['GET /api/Page/1'])

    await one.page.getByRole('button', { name: 'New page' }).click()
    await one.page.getByLabel('Name').fill('<b>Third</b>')
    await one.page.getByRole('button', { name: 'Save' }).click()
    await pageIn(two.page, '<b>Third</b>').waitFor()
    await one.page.getByRole('button', { name: 'About' }).click()
    await one.page.getByRole('button', { name: 'Delete' }).click()
    await pageIn(two.page, 'About').waitFor({ state: 'detached' })
    expect(await violationsOf(one.page)).toEqual([])
    expect(await violationsOf(two.page)).toEqual([])
  })

  it('shows what is edited in two components, before it is saved', async () => {
    await using host = await openTestHost()
    await host.send('/api/Page', { body: { name: 'Home' } })
    await using one = await openWindow(browser())
    await visit(one.page, host)
    await one.page.getByRole('button', { name: 'Home' }).click()
    const preview = one.page.getByRole('figure')
    await preview.getByText('/home').waitFor()
    expect(await one.page.title()).toBe('Master')
    await one.page.getByLabel('Title').fill('Welcome')
    await preview.getByText('Welcome', { exact: true }).waitFor()
    expect(await one.page.title()).toBe('● Master')
    expect(await violationsOf(one.page)).toEqual([])
    await one.page.getByRole('button', { name: 'Close' }).click()
    await preview.waitFor({ state: 'hidden' })
    expect(await one.page.title()).toBe('Master')
  })

  it('tells what happens as it does, with the webhooks about it', async () => {
    await using host = await openTestHost()
    await using consumer = await testConsumer()
    await host.send('/portal/api/endpoints', { body: { url: consumer.url, eventTypes: ['File.Download'] } })
    await upload(host, 'one.txt', 'content')
    await using one = await openWindow(browser())
    await using two = await openWindow(browser())
    await visit(one.page, host)
    await visit(two.page, host, false)
    const downloading = two.page.waitForEvent('download')
    await two.page.getByRole('link', { name: 'one.txt' }).click()
    await downloading
    const item = one.page.locator('#events li').filter({ hasText: 'File one.txt was downloaded' })
    await item.waitFor()
    await item.getByRole('link', { name: 'webhook delivered' }).click()
    expect(one.page.url()).toContain('/portal/#/deliveries/')
    // Visitors hear nothing of downloads.
    expect(await two.page.locator('#events li').count()).toBe(0)
  })

  it('takes files up and hands them out', async () => {
    await using host = await openTestHost()
    await using one = await openWindow(browser(), { width: 375, height: 700, colorScheme: 'dark' })
    await using two = await openWindow(browser())
    await visit(one.page, host)
    await visit(two.page, host, false)
    await one.page
      .getByLabel('Upload a file')
      .setInputFiles({ name: 'größe.txt', mimeType: 'text/plain', buffer: Buffer.from('content') })
    await one.page.getByRole('button', { name: 'Upload', exact: true }).click()
    const link = two.page.getByRole('link', { name: 'größe.txt' })
    const downloading = two.page.waitForEvent('download')
    await link.click()
    const file = await downloading
    expect(file.suggestedFilename()).toBe('größe.txt')
    expect(await violationsOf(one.page)).toEqual([])
    const width = await one.page.locator('html').evaluate((html) => html.scrollWidth)
    expect(width).toBeLessThanOrEqual(375)
  })

  it('keeps what somebody is writing when somebody else saves the same page', async () => {
    await using host = await openTestHost()
    await host.send('/api/Page', { body: { name: 'Home' } })
    await using one = await openWindow(browser())
    await visit(one.page, host)
    await one.page.getByRole('button', { name: 'Home' }).click()
    await one.page.getByLabel('Title').fill('Mine')
    await host.send('/api/Page/1', { method: 'PUT', body: { name: 'Home', title: 'Theirs' } })
    await one.page.getByText('Somebody has changed this page').waitFor()
    expect(await one.page.getByLabel('Title').inputValue()).toBe('Mine')
    await one.page.getByRole('button', { name: 'Show their version' }).click()
    expect(await one.page.getByLabel('Title').inputValue()).toBe('Theirs')
  })

  it('says why something was refused', async () => {
    await using host = await openTestHost()
    await using one = await openWindow(browser())
    await one.page.goto(host.host.url)
    await one.page.getByLabel('Token').fill('wrong')
    await one.page.getByRole('button', { name: 'Sign in' }).click()
    await one.page.getByRole('alert').filter({ hasText: 'token' }).waitFor()
    // The browser tells the console of the 401.
    expect(one.takeProblems().join()).toContain('401')
  })

  it('loads itself anew in every window when the host was restarted', async () => {
    const before = await openTestHost()
    await using first = before
    const { port } = new URL(before.host.url)
    await using one = await openWindow(browser())
    await using two = await openWindow(browser())
    await visit(one.page, before, false)
    await visit(two.page, before, false)
    const windows = [one, two]
    for (const { page, expectProblems } of windows) {
      await page.evaluate(() => void Reflect.set(globalThis, 'isOld', true))
      // What the browser says of a host that is not there.
      expectProblems(/ERR_|Failed to load/)
    }
    await first.host.close()
    await using again = await openTestHost({ dataDir: before.dataDir, port: Number(port) })
    for (const { page } of windows) {
      await page.waitForFunction(() => Reflect.get(globalThis, 'isOld') === undefined)
      await page.getByRole('status').filter({ hasText: 'live' }).waitFor()
    }
    expect(again.host.services.syncStreams.stats().open).toBe(2)
  })

  it('has one connection for all tabs of a browser, of which another takes over', async () => {
    await using host = await openTestHost()
    await using window = await openWindow(browser())
    const first = window.page
    const context = first.context()
    await visit(first, host, false)
    const others = [await context.newPage(), await context.newPage()]
    for (const page of others) await visit(page, host, false)
    const { stats } = host.host.services.syncStreams
    expect(stats()).toMatchObject({ open: 1, opened: 1 })
    await upload(host, 'one.txt', 'content')
    for (const page of [first, ...others]) await page.getByRole('link', { name: 'one.txt' }).waitFor()

    await first.close()
    await upload(host, 'two.txt', 'content')
    for (const page of others) {
      await page.getByRole('link', { name: 'two.txt' }).waitFor()
      expect(await page.locator('#events li').allTextContents()).toHaveLength(2)
    }
    await waitFor(() => stats().open === 1, 'one connection to be left')
  })
})
