import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createReceiver } from '@x/receiver'
import { type TestConsumer, testConsumer } from '@x/testkit'
import { browserTests } from '@x/testkit/browser'
import { testAuthority } from '@x/testkit/certificates'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { jsonOf, openTestHost, type TestHost } from './open-test-host.ts'
import { openPortalWindow } from './portal-window.ts'

browserTests('the form of an endpoint', (browser) => {
  let host: TestHost
  beforeAll(async () => {
    host = await openTestHost()
  })
  afterAll(() => host?.[Symbol.asyncDispose]())

  async function addEndpoint(body: object) {
    const created = await jsonOf<{ endpoint: { id: string }; secret: string }>(
      host.send('/portal/api/endpoints', { body: { eventTypes: ['File.Delete'], ...body } }),
    )
    return { ...created, path: `endpoints/${created.endpoint.id}` }
  }

  /** Answers challenges with the endpoint's secret. */
  function receiveWith(consumer: TestConsumer, secret: string): void {
    const receiver = createReceiver({ secrets: secret })
    consumer.answer(async ({ rawBody, headers }) => {
      const request = new Request(consumer.url, { method: 'POST', headers: headers as never, body: rawBody })
      const response = await receiver.handle(request)
      return { status: response.status, body: await response.text() }
    })
  }

  it('tries an endpoint before it is saved, which stores nothing, and says what has changed since', async () => {
    await using consumer = await testConsumer()
    await using window = await openPortalWindow(browser(), host, { width: 360, height: 740 })
    const { page } = window
    const tryIt = () => page.getByRole('button', { name: 'Test before saving' }).press('Enter')
    const stale = page.getByText('You have changed the endpoint since this test.')
    await window.go('endpoints/new')
    await page.getByRole('textbox', { name: 'URL' }).fill(consumer.url)
    await page.getByRole('button', { name: 'Add a header' }).press('Enter')
    await page.getByLabel('Name of header 1').fill('x-shop')
    await page.getByLabel('Value of header 1').fill('7')
    consumer.answer(() => 503)
    await tryIt()
    await page.getByText('The test has failed.').waitFor()
    await page.getByText('HTTP 503').waitFor()
    expect(await stale.count()).toBe(0)
    // What a test does not depend on is no change.
    await page.getByLabel('Description').fill('For the shop')
    expect(await stale.count()).toBe(0)
    await page.getByLabel('Value of header 1').fill('8')
    await stale.waitFor()
    consumer.answer(() => 204)
    await tryIt()
    await page.getByText('The test has succeeded.').waitFor()
    expect(await stale.count()).toBe(0)
    const requests = await consumer.received(2)
    expect(requests.map(({ headers }) => headers['x-shop'])).toEqual(['7', '8'])
    expect(JSON.parse(String(requests[1]?.rawBody))).toMatchObject({
      type: 'Webhook.Test',
      data: { test: true },
    })
    const { items } = await jsonOf<{ items: unknown[] }>(host.send('/portal/api/endpoints'))
    expect(items).toEqual([])
  })

  it('shows what is wrong with a try at the field that it is about', async () => {
    await using consumer = await testConsumer()
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    window.expectProblems(/400/)
    const url = page.getByRole('textbox', { name: 'URL' })
    const tryIt = page.getByRole('button', { name: 'Test before saving' })
    await window.go('endpoints/new')
    await url.fill('http://10.0.0.1/hook')
    await tryIt.press('Enter')
    const forbidden = page.getByText('not sent to private or reserved addresses')
    await forbidden.waitFor()
    expect(await forbidden.count()).toBe(1)
    expect(await url.getAttribute('aria-invalid')).toBe('true')
    await window.focusIs("type === 'url'")

    await url.fill(consumer.url)
    await page.locator('summary', { hasText: 'Advanced' }).press('Enter')
    const secret = page.getByLabel('Your own secret')
    await secret.fill('not a secret')
    await tryIt.press('Enter')
    await page.getByText('This secret is not valid.').waitFor()
    expect(await secret.getAttribute('aria-invalid')).toBe('true')
    expect(await url.getAttribute('aria-invalid')).toBe(null)
    await window.focusIs("value === 'not a secret'")

    // Saving tells the same once, and not beside what the try has told.
    await page.getByRole('button', { name: 'Add endpoint' }).press('Enter')
    await page.getByText('This secret is not valid.').waitFor()
    expect(await page.getByText('This secret is not valid.').count()).toBe(1)
    expect(consumer.requests).toEqual([])
  })

  it('shows the certificate of an endpoint, and replaces or removes it by the keyboard', async () => {
    const authority = await testAuthority()
    const [first, second] = [
      await authority.issue({ subject: 'CN=first, O=Host' }),
      await authority.issue({ subject: 'CN=second, O=Host' }),
    ]
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    window.expectProblems(/400/)
    await window.go('endpoints/new')
    await page.getByRole('textbox', { name: 'URL' }).fill('http://127.0.0.1:9999/hook')
    await page.locator('summary', { hasText: 'Advanced' }).press('Enter')
    const certificate = page.getByLabel('Certificate (PEM)')
    const key = page.getByLabel('Its private key (PEM)')
    await certificate.fill(first.cert)
    await key.fill(second.key)
    await page.getByRole('button', { name: 'Add endpoint' }).press('Enter')
    await page.getByText('needs a URL that begins with https://').waitFor()
    expect(await certificate.getAttribute('aria-invalid')).toBe('true')
    await page.getByRole('textbox', { name: 'URL' }).fill('https://127.0.0.1:9999/hook')
    await page.getByRole('button', { name: 'Test before saving' }).press('Enter')
    await page.getByText('Enter the private key of this certificate').waitFor()
    expect(await key.getAttribute('aria-invalid')).toBe('true')
    await key.fill(first.key)
    await page.getByRole('button', { name: 'Add endpoint' }).press('Enter')
    await page.getByRole('link', { name: 'Go to the endpoint' }).press('Enter')

    const { fingerprint256 } = new X509Certificate(first.cert)
    await page.getByRole('tab', { name: 'Settings' }).press('Enter')
    await page.getByText('CN=first').waitFor()
    await page.getByText(fingerprint256).waitFor()
    await page.getByText(/^Valid until .*20\d\d/).waitFor()
    await page.getByText('Expires soon').waitFor()

    const edit = async (choice: string) => {
      await page.getByRole('link', { name: 'Edit' }).press('Enter')
      await page.locator('summary', { hasText: 'Advanced' }).press('Enter')
      await page.getByLabel('Keep it').waitFor()
      expect(await page.getByLabel('Keep it').isChecked()).toBe(true)
      expect(await certificate.count()).toBe(0)
      await page.getByLabel(choice).press('Space')
    }
    await edit('Replace it')
    await page.getByText(fingerprint256).waitFor()
    await certificate.fill(second.cert)
    // What was typed is gone with the choice.
    await page.getByLabel('Keep it').press('Space')
    await page.getByLabel('Replace it').press('Space')
    expect(await certificate.inputValue()).toBe('')
    await certificate.fill(second.cert)
    await key.fill(second.key)
    const passphrase = page.getByLabel('Passphrase of the private key')
    expect(await passphrase.count()).toBe(0)
    await key.fill(
      String(
        createPrivateKey(second.key).export({
          type: 'pkcs8',
          format: 'pem',
          cipher: 'aes-256-cbc',
          passphrase: 'open sesame',
        }),
      ),
    )
    await passphrase.fill('x'.repeat(1_001))
    await page.getByRole('button', { name: 'Save changes' }).press('Enter')
    await page.getByText('at most 1,000 characters').waitFor()
    expect(await passphrase.getAttribute('aria-invalid')).toBe('true')
    await passphrase.fill('open says me')
    await page.getByRole('button', { name: 'Save changes' }).press('Enter')
    await page.getByText('and its passphrase if it is encrypted').waitFor()
    await passphrase.fill('open sesame')
    await page.getByRole('button', { name: 'Save changes' }).press('Enter')
    await page.getByText('CN=second').waitFor()
    await page.getByText(new X509Certificate(second.cert).fingerprint256).waitFor()

    await edit('Remove it')
    await page.getByRole('button', { name: 'Save changes' }).press('Enter')
    await page.getByRole('link', { name: 'Edit' }).waitFor()
    await page.getByText('CN=second').waitFor({ state: 'detached' })
    expect(await page.content()).not.toContain('PRIVATE KEY')
  })

  it('says that an owner is asked before there is anything to test', async () => {
    await using consumer = await testConsumer()
    await using window = await openPortalWindow(browser(), host)
    const { page } = window
    const tryIt = page.getByRole('button', { name: 'Test before saving' })
    await window.go('endpoints/new')
    await tryIt.waitFor()
    await page.getByLabel('Verify that the receiver is mine').press('Space')
    await page.getByText('can be tested once you have saved and verified it').waitFor()
    expect(await tryIt.count()).toBe(0)

    const added = await addEndpoint({ url: consumer.url, verifyOwnership: true })
    await page.getByLabel('Verify that the receiver is mine').press('Space')
    await window.go(`${added.path}/edit`)
    await page.getByText('This endpoint can be tested once you have verified it.').waitFor()
    expect(await tryIt.count()).toBe(0)
    receiveWith(consumer, added.secret)
    expect((await host.send(`/portal/api/${added.path}/verify`, { method: 'POST' })).status).toBe(200)
    await tryIt.press('Enter')
    await page.getByText('The test has succeeded.').waitFor()
    await page.getByRole('textbox', { name: 'URL' }).fill(`${consumer.url}/other`)
    await page.getByText('The new URL can be tested once').waitFor()
    expect(await tryIt.count()).toBe(0)
  })
})
