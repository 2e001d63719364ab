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
      height: 640,
      prepare: (page) => page.getByText('search index').waitFor(),
    },
    {
      name: 'endpoint',
      place: `#/endpoints/${healthy}`,
      ...desktop,
      height: 1_060,
      prepare: async (page) => {
        await page.getByLabel('Time range').selectOption({ label: 'Last hour' })
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
        await page.getByRole('searchbox', { name: 'Search events' }).fill('file')
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
      height: 1_000,
      prepare: (page) => page.getByText('Your server responded with 503.').first().waitFor(),
    },
    {
      name: 'event',
      place: `#/deliveries/${failedDelivery}`,
      ...desktop,
      height: 620,
      prepare: async (page) => {
        await page.getByRole('link', { name: /^evt_/ }).click()
        await page.getByRole('heading', { name: 'Who got it' }).waitFor()
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
      prepare: (page) => page.getByText('Last failures').waitFor(),
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
