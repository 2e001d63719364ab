import { createHash, randomBytes } from 'node:crypto'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { openTestHost, upload } from './open-test-host.ts'

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

it.each([
  ['nothing at all', 0],
  ['one byte', 1],
  ['20 MB', 20_000_003],
])('gives back %s byte for byte', async (_what, size) => {
  await using host = await openTestHost()
  const bytes = randomBytes(size)
  const form = new FormData()
  form.set('folderId', '1')
  form.set('file', new Blob([bytes], { type: 'image/png' }), 'picture.png')

  const uploaded = await fetch(`${host.host.url}/api/File/upload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${host.host.adminToken}` },
    body: form,
  })
  expect(uploaded.status).toBe(201)
  expect(await uploaded.json()).toMatchObject({
    fileId: 1,
    name: 'picture.png',
    contentType: 'image/png',
    size,
  })

  const downloaded = await fetch(`${host.host.url}/api/File/download/1`)
  expect(downloaded.headers.get('content-length')).toBe(String(size))
  expect(downloaded.headers.get('content-type')).toBe('image/png')
  expect(downloaded.headers.get('x-content-type-options')).toBe('nosniff')
  expect(sha256(new Uint8Array(await downloaded.arrayBuffer()))).toBe(sha256(bytes))
})

it.each([
  ['plain.txt', 'attachment; filename=plain.txt'],
  ["two words; and an 'apostrophe'.txt", undefined],
  ['Grüße 世界.txt', undefined],
])('offers to save it as %s', async (name, expected) => {
  await using host = await openTestHost()
  const form = new FormData()
  form.set('file', new Blob(['content']), name)
  const headers = { authorization: `Bearer ${host.host.adminToken}` }
  const uploaded = await fetch(`${host.host.url}/api/File/upload`, { method: 'POST', headers, body: form })
  expect(await uploaded.json()).toMatchObject({ name })

  const { headers: received } = await host.send('/api/File/download/1')
  const disposition = received.get('content-disposition') ?? ''
  if (expected) expect(disposition).toBe(expected)
  if (/[^\x20-\x7e]/.test(name)) {
    expect(disposition).toContain(`filename*=UTF-8''${encodeURIComponent(name)}`)
  }
  expect(disposition).toMatch(/^attachment; /)
})

it('shows a page of a stranger to nobody as a page of the site', async () => {
  await using host = await openTestHost()
  await upload(host, 'evil.html', '<script>alert(1)</script>')
  const { headers } = await host.send('/api/File/download/1')
  expect(headers.get('content-disposition')).toMatch(/^attachment/)
  expect(headers.get('content-security-policy')).toContain("default-src 'self'")
})

it('minds no client that goes away in the middle of a file', async () => {
  await using host = await openTestHost()
  await upload(host, 'large.txt', 'x'.repeat(30_000_000))
  const leaving = new AbortController()
  const answer = await fetch(`${host.host.url}/api/File/download/1`, { signal: leaving.signal })
  await answer.body?.getReader().read()

  leaving.abort()

  // Had the host called it an error, letting go of it would fail this test.
  await waitFor(async () => (await host.send('/readyz')).status === 200, 'the host to go on')
  expect((await host.events()).filter(({ action }) => action === 'Download')).toHaveLength(1)
})
