// Pictures of the portal for its README, taken from the reference host with consumers that succeed and fail.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launchBrowser, openWindow } from '@x/testkit/browser'

import { buildPortalPages } from './build-portal-pages.ts'
import { startExample, stopExample } from './hosting/example-process.ts'
import { pages } from './screenshots/pages.ts'
import { withPalette } from './screenshots/palette-png.ts'
import { seedPortal } from './screenshots/seed-portal.ts'
import { findBrowser } from './setup/browser.mjs'
import { root } from './setup/paths.mjs'

const folder = join(root, 'docs', 'portal')
const dataDir = await mkdtemp(join(tmpdir(), 'x-events-screenshots-'))
const token = 'the-token-of-the-pictures-0123456789'

await buildPortalPages()
const host = startExample({
  name: 'host',
  folder: 'reference-host',
  env: {
    PORT: '0',
    HOST: '127.0.0.1',
    HOST_DATA_DIR: dataDir,
    ADMIN_TOKEN: token,
    WEBHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
    LOG_LEVEL: 'error',
  },
})
try {
  const [, hostUrl = ''] = await host.printed(/ready at (http:\S+)/, 60_000)
  await using seeded = await seedPortal(hostUrl, token)
  await using browser = await launchBrowser(findBrowser())
  await mkdir(folder, { recursive: true })
  for (const { name, place, prepare, ...look } of pages(seeded)) {
    await using window = await openWindow(browser, look)
    const { page } = window
    await page.goto(`${hostUrl}/portal/`)
    if (place !== undefined) {
      await page.getByLabel('Admin token').fill(token)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByText('Live', { exact: true }).waitFor()
      await page.goto(`${hostUrl}/portal/${place}`)
    }
    await prepare?.(page)
    await page.waitForLoadState('networkidle', { timeout: 1_500 }).catch(() => {})
    // Off the page, which would show what lies under it.
    await page.mouse.move(0, 0)
    const path = join(folder, `${name}.png`)
    await writeFile(path, withPalette(await page.screenshot({ animations: 'disabled' })))
    window.takeProblems()
    console.log(path)
  }
} finally {
  await stopExample(host)
  await rm(dataDir, { recursive: true, force: true })
}
