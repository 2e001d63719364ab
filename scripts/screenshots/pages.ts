import type { BrowserWindow, OpenWindow } from '@x/testkit/browser'
import type { SeededPortal } from './seed-portal.ts'

type Page = BrowserWindow['page']

/** A picture to take. */
export interface Picture extends OpenWindow {
  readonly name: string
  /** Behind the portal's address; without one, nobody is signed in. */
  readonly place?: string
  /** Waits for what is to be seen, or brings it about. */
  prepare?(page: Page): Promise<unknown>
}

const desktop = { width: 1200, height: 780 }
const phone = { width: 390, height: 780 }

/** The pictures of the README. */
export function pages({ healthy, failing, failedDelivery }: SeededPortal): readonly Picture[] {
  return [
    { name: 'sign-in', ...desktop, height: 560, prepare: (page) => page.getByLabel('Admin token').waitFor() },
    {
      name: 'endpoints',
      place: '#/endpoints',
      ...desktop,
      height: 560,
      prepare: (page) => page.getByText('search index').waitFor(),
    },
    {
      name: 'endpoint',
      place: `#/endpoints/${healthy}`,
      ...desktop,
      height: 1_060,
      prepare: async (page) => {
        await page.getByLabel('Time shown').selectOption('Last hour')
        await page.getByRole('button', { name: 'Send a test' }).click()
        await page.getByRole('region', { name: 'Try it' }).getByText('HTTP 204').waitFor({ timeout: 30_000 })
      },
    },
    {
      name: 'endpoint-form',
      place: '#/endpoints/new',
      ...desktop,
      height: 900,
      prepare: async (page) => {
        await page.getByRole('textbox', { name: 'URL' }).fill('https://example.com/hook')
        await page.getByText('Only these').click()
        await page
          .locator('summary')
          .filter({ hasText: /^File\b/ })
          .click()
        await page.getByLabel('File.Download').check()
      },
    },
    {
      name: 'deliveries-dark',
      place: '#/deliveries',
      ...desktop,
      colorScheme: 'dark',
      prepare: (page) => page.locator('.badge').first().waitFor(),
    },
    {
      name: 'delivery',
      place: `#/deliveries/${failedDelivery}`,
      ...desktop,
      height: 900,
      prepare: async (page) => {
        await page.getByText("The answer's body").first().click()
      },
    },
    {
      name: 'event-type',
      place: '#/event-types/Page.Create',
      ...desktop,
      height: 900,
      prepare: (page) => page.getByText('createReceiver').first().waitFor(),
    },
    {
      name: 'subscriptions',
      place: '#/subscriptions',
      ...desktop,
      height: 420,
      prepare: (page) => page.getByText('file-download').waitFor(),
    },
    {
      name: 'phone-endpoint',
      place: `#/endpoints/${failing}`,
      ...phone,
      prepare: (page) => page.getByText('Activity').waitFor(),
    },
    {
      name: 'phone-deliveries-dark',
      place: '#/deliveries',
      ...phone,
      colorScheme: 'dark',
      prepare: (page) => page.locator('.badge').first().waitFor(),
    },
  ]
}
