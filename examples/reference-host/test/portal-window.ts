import { waitFor } from '@x/testkit'
import { type BrowserWindow, type OpenWindow, openWindow, type TestBrowser } from '@x/testkit/browser'
import type { TestHost } from './open-test-host.ts'

/** A window on the portal of a host. */
export interface PortalWindow extends BrowserWindow {
  /** Goes to a place in the portal: `endpoints/new`. */
  go(place: string): Promise<void>
  /** Waits until the focus is where it should be: the page moves it after it has shown what it tells of. */
  focusIs(condition: string): Promise<void>
}

/** Opens a window, signs in as the first tenant's administrator, and waits until changes are told live. */
export async function openPortalWindow(
  browser: TestBrowser,
  { host }: TestHost,
  options: OpenWindow = {},
): Promise<PortalWindow> {
  const window = await openWindow(browser, options)
  const { page } = window
  await page.goto(`${host.url}/portal`)
  await page.getByLabel('Admin token').fill(host.adminToken)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Live', { exact: true }).waitFor()
  return {
    ...window,
    async go(place) {
      await page.goto(`${host.url}/portal/#/${place}`)
    },
    async focusIs(condition) {
      await waitFor(() => page.evaluate(`document.activeElement.${condition}`), `the focus: ${condition}`)
    },
  }
}
