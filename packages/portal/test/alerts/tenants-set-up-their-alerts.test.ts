import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { AlertMail } from '@x/sender'
import { testConsumer, waitFor } from '@x/testkit'
import { type BrowserWindow, browserTests, openWindow, violationsOf } from '@x/testkit/browser'
import express from 'express'
import { expect, it } from 'vitest'
import { expressPortal } from '../../src/express.ts'
import { openSender } from '../open-sender.ts'

type Page = BrowserWindow['page']

/** What the page says, in the words that a person looks for. */
const ENGLISH = {
  locale: 'en',
  failing: 'An endpoint has been failing for a while',
  quiet: 'At most one alert of a kind for each endpoint in',
  add: 'Add a recipient',
  kindOf: 'Kind of recipient',
  addressOf: 'Address of recipient',
  remove: 'Remove recipient',
  test: 'Send a test alert',
  save: 'Save changes',
  saved: 'Changes saved',
  sent: (number: number) => `Recipient ${number}: sent.`,
  redirects: 'The URL redirects, which is not followed.',
  isPrivate: 'The host name leads to a private or reserved address',
  refused: 'Webhooks are not sent to private or reserved addresses.',
  noAddress: 'Enter an e-mail address such as oncall@example.com',
  nobody: 'Nobody is notified yet.',
  subject: 'Test of webhook alerts',
}
type Words = typeof ENGLISH
const GERMAN: Words = {
  locale: 'de',
  failing: 'Ein Endpunkt ist seit einer Weile gestört',
  quiet: 'Höchstens ein Alarm einer Art je Endpunkt in',
  add: 'Empfänger hinzufügen',
  kindOf: 'Art von Empfänger',
  addressOf: 'Adresse von Empfänger',
  remove: 'entfernen',
  test: 'Testalarm senden',
  save: 'Änderungen speichern',
  saved: 'Änderungen gespeichert',
  sent: (number: number) => `Empfänger ${number}: gesendet.`,
  redirects: 'Die URL leitet weiter; dem wird nicht gefolgt.',
  isPrivate: 'Der Hostname führt zu einer privaten oder reservierten Adresse',
  refused: 'An private oder reservierte Adressen wird nicht gesendet.',
  noAddress: 'Geben Sie eine E-Mail-Adresse an',
  nobody: 'Noch wird niemand benachrichtigt.',
  subject: 'Test der Webhook-Alarme',
}

async function openPortal() {
  await using opened = new AsyncDisposableStack()
  const mails: AlertMail[] = []
  const { sender } = opened.use(
    await openSender({
      sender: {
        alerts: { sendMail: (mail) => void mails.push(mail) },
        network: {
          allow: ['127.0.0.1/32'],
          resolve: async (name) => [name === 'chat.example' ? '127.0.0.1' : '127.0.0.2'],
        },
      },
    }),
  )
  const signal = new AbortController()
  opened.defer(() => signal.abort())
  const authorize = () => ({ tenantId: 1, role: 'manager', name: 'Ada' }) as const
  const app = express().use('/portal', expressPortal({ sender, authorize, signal: signal.signal }))
  const server = app.listen(0, '127.0.0.1')
  opened.defer(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/portal/`
  const all = opened.move()
  return { sender, mails, url, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

const MAX_TABS = 60

/** Presses Tab until a control has the focus that is called so. */
async function tabTo(page: Page, name: string, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  const names: string[] = []
  for (let tabs = 0; tabs < MAX_TABS; tabs++) {
    const focused = await focusedName(page)
    if (focused === name) return
    names.push(focused)
    await page.keyboard.press(key)
  }
  throw new Error(`Tab never came to ${name}, but to: ${names.join(' | ')}`)
}

function focusedName(page: Page): Promise<string> {
  return page.evaluate<string>(`{
    const element = document.activeElement
    const label = element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent
    ;(label ?? element.textContent).trim()
  }`)
}

async function addRecipient(page: Page, words: Words, kind: string, address: string): Promise<void> {
  await tabTo(page, words.add)
  await page.keyboard.press('Enter')
  await waitFor(
    async () => (await focusedName(page)).startsWith(words.kindOf),
    'the new row to have the focus',
  )
  await page.keyboard.type(kind)
  await page.keyboard.press('Tab')
  await page.keyboard.type(address)
}

async function press(page: Page, name: string): Promise<void> {
  await tabTo(page, name)
  await page.keyboard.press('Enter')
}

/** Scrolled elsewhere, the header that stays covers half of some control. */
async function violationsAtTop(page: Page) {
  await page.evaluate('scrollTo(0, 0)')
  return violationsOf(page)
}

browserTests('a tenant sets up its alerts by the keyboard alone', (browser) => {
  it.each([
    ['in English', ENGLISH, {}],
    ['in German, on a phone', GERMAN, { width: 390, height: 844 }],
  ])('adds, tests, changes and removes whom to tell: %s', async (_how, words, size) => {
    await using portal = await openPortal()
    await using chat = await testConsumer()
    await using moved = await testConsumer()
    moved.answer(() => ({ status: 302, headers: { location: chat.url } }))
    const { port } = new URL(chat.url)
    await using window = await openWindow(browser(), size)
    window.expectProblems(/status of 4\d\d/)
    const { page } = window
    const { alerts } = portal.sender
    const removeButton = (number: number) =>
      words.locale === 'de' ? `Empfänger ${number} ${words.remove}` : `${words.remove} ${number}`
    const kinds = page.getByRole('combobox', { name: new RegExp(`^${words.kindOf}`) })
    await page.addInitScript((locale) => localStorage.setItem('x-portal-locale', locale), words.locale)
    await page.goto(`${portal.url}#/alerts`)
    await page.getByText(words.nobody).waitFor()

    // Whom to tell: a chat and an e-mail address; what is wrong is said where it is, and has the focus.
    await tabTo(page, words.failing)
    await page.keyboard.press('Space')
    await addRecipient(page, words, 'Slack', 'http://10.0.0.1/services/T1')
    await press(page, words.test)
    await page.getByText(words.refused).waitFor()
    expect(await focusedName(page)).toBe(`${words.addressOf} 1`)
    expect(await violationsAtTop(page)).toEqual([])
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.type(`http://chat.example:${port}/services/T1abcd`)
    expect(await page.getByText(words.refused).count()).toBe(0)
    await addRecipient(page, words, 'E', 'ada')
    await press(page, words.test)
    await page.getByText(words.noAddress).waitFor()
    expect(await focusedName(page)).toBe(`${words.addressOf} 2`)
    await page.keyboard.type('@example.com')
    await addRecipient(page, words, 'Slack', moved.url)
    await addRecipient(page, words, 'Discord', `http://inside.example:${port}/`)

    // A test says of each what has become of it.
    await press(page, words.test)
    await page.getByText(words.sent(1)).waitFor()
    await page.getByText(words.sent(2)).waitFor()
    await page.getByText(words.redirects).waitFor()
    await page.getByText(words.isPrivate).waitFor()
    expect(chat.requests.map(({ path }) => path)).toEqual(['/services/T1abcd'])
    expect(String(chat.requests[0]?.rawBody)).toContain(words.subject)
    expect(portal.mails).toMatchObject([
      { to: 'ada@example.com', subject: words.subject, locale: words.locale },
    ])
    expect(await violationsAtTop(page)).toEqual([])

    // What does not work is removed, which loses no focus; then all is saved, and there after a reload.
    for (const number of [4, 3]) {
      await tabTo(page, removeButton(number), 'Shift+Tab')
      await page.keyboard.press('Enter')
      await waitFor(async () => (await kinds.count()) === number - 1, 'it to be gone')
      await waitFor(() => page.evaluate('document.activeElement !== document.body'), 'the focus')
    }
    await press(page, words.save)
    await page.getByText(words.saved).waitFor()
    expect(await alerts.get({ tenantId: 1 })).toEqual({
      on: ['failing'],
      to: [
        { kind: 'slack', url: `http://chat.example:${port}/***abcd` },
        { kind: 'email', address: 'ada@example.com' },
      ],
      quietSeconds: 3_600,
      locale: words.locale,
      timeZone: expect.any(String),
    })
    await page.reload()
    await page.getByLabel(`${words.addressOf} 2`).waitFor()
    expect(await page.getByLabel(`${words.addressOf} 1`).inputValue()).toContain('/***abcd')

    // Another quiet period, and nobody left.
    await tabTo(page, words.quiet)
    await page.keyboard.press('ArrowDown')
    for (const number of [2, 1]) {
      await press(page, removeButton(number))
    }
    await page.getByText(words.nobody).waitFor()
    await press(page, words.save)
    await page.getByText(words.saved).waitFor()
    expect(await alerts.get({ tenantId: 1 })).toMatchObject({ to: [], quietSeconds: 6 * 3_600 })
  })
})
