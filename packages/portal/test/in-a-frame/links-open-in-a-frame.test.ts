import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { waitFor } from '@x/testkit'
import { type BrowserWindow, browserTests, openWindow, violationsOf } from '@x/testkit/browser'
import express, { type Express } from 'express'
import { build, type Rollup } from 'vite'
import { beforeAll, expect, it } from 'vitest'
import { expressPortal } from '../../src/express.ts'
import { openSender } from '../open-sender.ts'

const BUNDLING_MS = 120_000
const PLAIN_PAGE = `<!doctype html><html lang="en"><title>Customer</title>
<h1>Our settings</h1><x-webhook-portal></x-webhook-portal>
<script type="module">
  import '/element.js'
  const portal = document.querySelector('x-webhook-portal')
  const renew = async () => {
    const response = await fetch('/webhooks-link', { method: 'POST' })
    portal.setAttribute('url', (await response.json()).url)
  }
  window.heard = []
  for (const name of ['x-portal-expired', 'x-portal-navigate']) {
    portal.addEventListener(name, ({ detail }) => window.heard.push([name, detail?.path]))
  }
  document.addEventListener('x-portal-expired', () => window.renews && renew())
  if (location.search !== '?empty') renew()
</script>`

type Page = BrowserWindow['page']

const scripts = new Map<string, string>()

/** Makes one script of a module and what it imports. */
async function bundle(name: string, entry: string): Promise<void> {
  const result = (await build({
    configFile: false,
    logLevel: 'error',
    oxc: { jsx: { runtime: 'automatic', development: false } },
    define: { 'process.env.NODE_ENV': '"production"' },
    resolve: { conditions: ['@x/source', 'browser', 'import'] },
    build: {
      write: false,
      minify: false,
      lib: { entry: fileURLToPath(new URL(entry, import.meta.url)), formats: ['es'] },
    },
  })) as Rollup.RollupOutput[]
  scripts.set(name, result[0]?.output[0].code ?? '')
}

async function listen(app: Express, opened: AsyncDisposableStack): Promise<number> {
  const server: Server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  opened.defer(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/**
 * A portal on one site (localhost), and pages of a customer on another (127.0.0.1).
 *
 * @param isTls - whether the portal is behind a proxy that speaks TLS; Chromium takes localhost for as good.
 */
async function openSites({ isTls }: { readonly isTls: boolean }) {
  await using opened = new AsyncDisposableStack()
  const { sender } = opened.use(await openSender())
  await sender.endpoints.create({ tenantId: 1, url: 'http://127.0.0.1:9999/hook', signature: 'ed25519' })
  const customer = express()
  const customerPort = await listen(customer, opened)
  const app = express().set('trust proxy', true)
  const port = await listen(app, opened)
  const url = `http://localhost:${port}/portal`
  const signal = new AbortController()
  opened.defer(() => signal.abort())
  const portal = expressPortal({
    sender,
    authorize: () => undefined,
    links: { url, secret: 'a secret that is long enough to be one' },
    frameAncestors: [`http://127.0.0.1:${customerPort}`],
    keysUrl: 'https://keys.example',
    theme: { name: 'Example', accent: '#085c3f' },
    signal: signal.signal,
  })
  app.use((request, _response, next) => {
    if (isTls) request.headers['x-forwarded-proto'] = 'https'
    next()
  })
  app.use('/portal', portal)
  const createLink = (sessionSeconds?: number) =>
    portal.createLink({
      tenantId: 1,
      role: 'manager',
      sessionSeconds,
      returnUrl: `http://127.0.0.1:${customerPort}/settings`,
    })
  const customers = (pages: Express) => {
    pages.get('/', (_request, response) => void response.send(PLAIN_PAGE))
    pages.get('/favicon.ico', (_request, response) => void response.sendStatus(204))
    pages.get('/settings', (_request, response) => void response.send('Settings'))
    pages.get('/react', (_request, response) => {
      response.send(
        '<!doctype html><html lang="en"><div id="root"></div><script type="module" src="/react.js"></script>',
      )
    })
    pages.get('/:script.js', (request, response) => {
      response.type('text/javascript').send(scripts.get(request.params.script))
    })
    pages.post('/webhooks-link', async (_request, response) => {
      response.json(await createLink())
    })
  }
  customers(customer)
  const stranger = express()
  customers(stranger)
  const strangerPort = await listen(stranger, opened)
  const all = opened.move()
  return {
    sender,
    url,
    createLink,
    customerUrl: `http://127.0.0.1:${customerPort}`,
    strangerUrl: `http://127.0.0.1:${strangerPort}`,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

const frameOf = (page: Page) => page.frameLocator('iframe')
const heardBy = (page: Page) => page.evaluate(() => Reflect.get(globalThis, 'heard') as [string, string?][])

async function reloadFrame(page: Page): Promise<void> {
  const frame = page.frames().find((one) => one.url().includes('/portal/'))
  await frame?.evaluate(() => location.reload())
}

browserTests('a link in a frame on another site', (browser) => {
  beforeAll(async () => {
    await bundle('element', '../../src/element/index.ts')
    await bundle('react', './react-page.tsx')
  }, BUNDLING_MS)

  it('opens a session that a reload keeps, by a cookie of this frame alone', async () => {
    await using sites = await openSites({ isTls: true })
    await using window = await openWindow(browser())
    const { page } = window
    await page.goto(sites.customerUrl)
    const frame = frameOf(page)
    await frame.getByText('Live', { exact: true }).waitFor()
    await frame.getByText('127.0.0.1:9999').first().waitFor()
    expect(await page.evaluate(() => document.cookie)).toBe('')
    await reloadFrame(page)
    await frame.getByText('Live', { exact: true }).waitFor()

    // Nobody sees what was good once, and nobody else has the cookie.
    const framed = page.frames().find((one) => one.url().includes('/portal/'))
    expect(framed?.url()).not.toContain('link=')
    const own = await page.context().newPage()
    await own.goto(`${sites.url}/`)
    await own.getByText(/You are not signed in/).waitFor()
  })

  it('is as high as what it shows, and tells where one is', async () => {
    await using sites = await openSites({ isTls: true })
    await using window = await openWindow(browser(), { height: 500 })
    const { page } = window
    await page.goto(sites.customerUrl)
    const frame = frameOf(page)
    await frame.getByRole('link', { name: 'Event catalog' }).click()
    await frame.getByRole('heading', { name: 'Event catalog' }).waitFor()
    expect(await heardBy(page)).toContainEqual(['x-portal-navigate', '/event-types'])
    await waitFor(async () => {
      const { height = 0 } = (await page.locator('iframe').boundingBox()) ?? {}
      const content = await frame.locator('body').evaluate((body) => body.scrollHeight)
      return Math.abs(height - content) <= 1 && height > 500
    }, 'the height of the frame')
    await page.locator('x-webhook-portal').evaluate((portal) => {
      portal.setAttribute('locale', 'de')
      portal.setAttribute('color-scheme', 'dark')
    })
    await frame.getByRole('heading', { name: 'Ereigniskatalog' }).waitFor()
    const background = () => frame.locator('html').evaluate((html) => getComputedStyle(html).backgroundColor)
    await waitFor(async () => (await background()) === 'rgb(16, 19, 26)', 'the dark')
    // Out of the frame.
    await frame.getByRole('link', { name: 'Zurück zu Example' }).click()
    await page.waitForURL(`${sites.customerUrl}/settings`)
  })

  it('opens dialogs where one looks, and each page at its top', async () => {
    await using sites = await openSites({ isTls: true })
    const { sender } = sites
    for (let number = 0; number < 40; number++) {
      await sender.endpoints.create({ tenantId: 1, url: `http://127.0.0.1:9999/${number}` })
    }
    await using window = await openWindow(browser(), { width: 400, height: 600 })
    const { page } = window
    await page.goto(sites.customerUrl)
    const frame = frameOf(page)
    const rows = frame.getByRole('main').locator('a[href^="#/endpoints/ep_"]')
    await rows.last().click()
    const heading = frame.getByRole('heading', { level: 1 })
    await heading.getByText('http://').waitFor()
    const isSeen = async (part: typeof heading) => {
      const { y = -1, height = 0 } = (await part.boundingBox()) ?? {}
      return y >= 0 && y + height <= 600
    }
    await waitFor(() => isSeen(heading), 'the top of the page')

    await frame.getByRole('tab', { name: 'Settings' }).click()
    await frame.getByRole('button', { name: 'Show the public key' }).click()
    await frame.getByText('https://keys.example/ep_').waitFor()
    const opener = frame.getByRole('button', { name: 'Delete' })
    await opener.scrollIntoViewIfNeeded()
    const scrolled = await page.evaluate(() => scrollY)
    expect(scrolled).toBeGreaterThan(300)
    await opener.click()
    const dialog = frame.getByRole('dialog')
    await waitFor(() => isSeen(dialog), 'the dialog')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await waitFor(() => opener.evaluate((button) => document.activeElement === button), 'the focus')
    expect(await page.evaluate(() => scrollY)).toBe(scrolled)
  })

  it('works by a token in memory where no cookie does, and asks for another link when that is lost', async () => {
    await using sites = await openSites({ isTls: false })
    await using window = await openWindow(browser())
    const { page } = window
    await page.goto(sites.customerUrl)
    const frame = frameOf(page)
    await frame.getByText('Live', { exact: true }).waitFor()
    expect(await page.context().cookies()).toEqual([])
    await reloadFrame(page)
    await frame.getByText(/You are not signed in|Your session has ended/).waitFor()
    await waitFor(async () => (await heardBy(page)).some(([name]) => name === 'x-portal-expired'), 'expiry')
    await page.evaluate(() => Reflect.set(globalThis, 'renews', true))
    await reloadFrame(page)
    await frame.getByText('Live', { exact: true }).waitFor()
  })

  it('says that a link has been used, and leads back', async () => {
    await using sites = await openSites({ isTls: true })
    const { url } = await sites.createLink()
    await using first = await openWindow(browser())
    await first.page.goto(url)
    await first.page.getByText('Live', { exact: true }).waitFor()
    const accent = await first.page.evaluate(() =>
      getComputedStyle(document.documentElement).getPropertyValue('--accent'),
    )
    expect(accent).toContain('#085c3f')
    await first.page.getByRole('link', { name: 'Back to Example' }).waitFor()
    expect(await violationsOf(first.page)).toEqual([])

    // It is seen to be a link's, and there is a way out of it.
    await first.page.getByText('You opened this page with a link.').waitFor()
    await first.page.getByRole('button', { name: 'Leave' }).press('Enter')
    await first.page.getByText(/You are not signed in/).waitFor()
    expect(await first.page.context().cookies()).toEqual([])

    await using second = await openWindow(browser())
    second.expectProblems(/401/)
    await second.page.goto(url)
    await second.page.getByText(/has been used/).waitFor()
  })

  it('is shown by no page that the host has not named, and changes nothing for one', async () => {
    await using sites = await openSites({ isTls: true })
    await using window = await openWindow(browser())
    window.expectProblems(/frame-ancestors|Framing|Refused|chrome-error|CORS|Failed to load|policy|blocked/i)
    // The element goes on telling the frame's address, where there is an error page now.
    window.expectProblems(/does not match the recipient window's origin/)
    const { page } = window
    // The session is there, in the partition of this site.
    await page.goto(sites.customerUrl)
    await frameOf(page).getByText('Live', { exact: true }).waitFor()
    await page.goto(sites.strangerUrl)
    await waitFor(
      () => page.frames().some((one) => one.url().startsWith('chrome-error:')),
      'the frame that is refused',
    )
    for (const type of ['application/json', 'text/plain']) {
      await page.evaluate(
        async ([api, contentType]) => {
          await fetch(`${api}/endpoints`, {
            method: 'POST',
            credentials: 'include',
            headers: { 'content-type': contentType as string },
            body: '{"url":"http://127.0.0.1:9999/evil"}',
          }).catch(() => {})
        },
        [`${sites.url}/api`, type],
      )
    }
    expect(await sites.sender.endpoints.list({ tenantId: 1 })).toHaveLength(1)
  })

  it('is used from React', async () => {
    await using sites = await openSites({ isTls: false })
    await using window = await openWindow(browser())
    const { page } = window
    await page.goto(`${sites.customerUrl}/react`)
    const frame = frameOf(page)
    await frame.getByText('Live', { exact: true }).waitFor()
    const background = () => frame.locator('html').evaluate((html) => getComputedStyle(html).backgroundColor)
    await waitFor(async () => (await background()) === 'rgb(16, 19, 26)', 'the dark')
    await reloadFrame(page)
    await frame.getByText('Live', { exact: true }).waitFor()
  })
})

it('is a few KB, and can be imported where there is no page', async () => {
  const { WebhookPortalElement } = await import('../../src/element/index.ts')
  expect(new WebhookPortalElement()).toBeDefined()
  await bundle('element', '../../src/element/index.ts')
  expect(scripts.get('element')?.length).toBeLessThan(6_000)
})
