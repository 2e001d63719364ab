import { readdir, utimes, writeFile } from 'node:fs/promises'
import { request as sendRequest } from 'node:http'
import { join } from 'node:path'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { jsonOf, openTestHost, type ProblemDocument, type TestHost, upload } from './open-test-host.ts'

async function filesOnDisk({ dataDir }: Pick<TestHost, 'dataDir'>): Promise<string[]> {
  const entries = await readdir(join(dataDir, 'files'), { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

async function expectNothing(host: TestHost): Promise<void> {
  expect(await filesOnDisk(host)).toEqual([])
  expect(await (await host.send('/api/File')).json()).toEqual([])
  expect((await host.events()).map(({ entityName }) => entityName)).toEqual(['Host'])
}

it.each([
  '..',
  '.',
  '../outside.txt',
  '..\\\\outside.txt',
  '/etc/passwd',
  'C:\\\\windows.txt',
  'folder/file.txt',
  'nul\u0000byte.txt',
  'CON',
  'com1.txt',
  'trailing.',
  ' ',
  `over${'long'.repeat(70)}`,
])('refuses a file named %j', async (name) => {
  await using host = await openTestHost()
  const answer = await upload(host, name, 'content')
  expect(answer.status).toBe(400)
  expect((await jsonOf<ProblemDocument>(answer)).errors).toHaveProperty('file')
  await expectNothing(host)
})

it.each(['..', 'a/b', 'a\\b', '/abs', 'nul\u0000', 'NUL', ''])('refuses to rename to %j', async (name) => {
  await using host = await openTestHost()
  await upload(host, 'a.txt', 'content')
  for (const path of ['/api/File/1', '/api/Folder/1']) {
    const answer = await host.send(path, { method: 'PUT', body: { name, folderId: 1 } })
    expect(answer.status).toBe(400)
    expect((await jsonOf<ProblemDocument>(answer)).errors).toHaveProperty('name')
  }
})

it('removes what came of an upload that was broken off', async () => {
  await using host = await openTestHost()
  const outgoing = sendRequest(`${host.host.url}/api/File/upload`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${host.host.adminToken}`,
      'content-type': 'multipart/form-data; boundary=b',
      'content-length': '10000000',
    },
  })
  outgoing.on('error', () => {})
  outgoing.write('--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n')
  outgoing.write('x'.repeat(200_000))
  await waitFor(async () => (await filesOnDisk(host)).length === 1, 'the upload to begin')

  outgoing.destroy()

  await waitFor(async () => (await filesOnDisk(host)).length === 0, 'the upload to be removed')
  await expectNothing(host)
})

it('removes what came of a form that ends too early', async () => {
  await using host = await openTestHost()
  const answer = await host.send('/api/File/upload', {
    body: '--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhalf of i',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
  })
  expect(answer.status).toBe(400)
  await expectNothing(host)
})

it('refuses a file that is too large', async () => {
  await using host = await openTestHost({ maxUploadBytes: 1_000 })
  expect((await upload(host, 'a.txt', 'x'.repeat(1_001))).status).toBe(413)
  await expectNothing(host)
  expect((await upload(host, 'a.txt', 'x'.repeat(1_000))).status).toBe(201)
})

it.each([
  ['no file', '--b\r\ncontent-disposition: form-data; name="folderId"\r\n\r\n1\r\n--b--\r\n', 400],
  ['no form', 'hello', 400],
])('refuses a form with %s', async (_what, body, status) => {
  await using host = await openTestHost()
  const headers = { 'content-type': 'multipart/form-data; boundary=b' }
  expect((await host.send('/api/File/upload', { body, headers })).status).toBe(status)
  await expectNothing(host)
})

it('refuses what is no form', async () => {
  await using host = await openTestHost()
  const withType = (type: string) =>
    host.send('/api/File/upload', { body: 'hello', headers: { 'content-type': type } })
  expect((await withType('text/plain')).status).toBe(415)
  expect((await withType('multipart/form-data')).status).toBe(400)
  await expectNothing(host)
})

it.each(['99', '0', 'x', '1.5', ''])('refuses to put a file into the folder %j', async (folderId) => {
  await using host = await openTestHost()
  const answer = await upload(host, 'a.txt', 'content', { fields: { folderId } })
  expect(answer.status).toBe(folderId === '99' ? 404 : 400)
  await expectNothing(host)
})

it('keeps the bytes of the first of two files of one name', async () => {
  await using host = await openTestHost()
  await upload(host, 'a.txt', 'first')
  expect((await upload(host, 'a.txt', 'second')).status).toBe(409)
  expect(await filesOnDisk(host)).toHaveLength(1)
  expect(await (await host.send('/api/File/download/1')).text()).toBe('first')
})

it('removes the bytes of a file that is deleted', async () => {
  await using host = await openTestHost()
  await upload(host, 'a.txt', 'content')
  await host.send('/api/File/1', { method: 'DELETE' })
  expect(await filesOnDisk(host)).toEqual([])
})

it('removes at the start what a crash has left behind, and nothing else', async () => {
  await using host = await openTestHost()
  await upload(host, 'a.txt', 'content')
  const [kept = ''] = await filesOnDisk(host)
  const key = '00000000-0000-4000-8000-000000000000'
  const half = join(host.dataDir, 'files', 'incoming', key)
  const orphan = join(kept, '..', key.replace('00', kept.slice(-36).slice(0, 2)))
  const recent = `${half.slice(0, -1)}1`
  for (const path of [half, orphan, recent]) await writeFile(path, 'content')
  const twoHoursAgo = new Date(Date.now() - 2 * 60 * 60 * 1_000)
  for (const path of [half, orphan, kept]) await utimes(path, twoHoursAgo, twoHoursAgo)

  const { fileStorage, db } = host.host.services
  const rows = await db.selectFrom('file').select('storageKey').execute()
  await fileStorage.removeOrphans(async () => rows.map(({ storageKey }) => storageKey))

  expect((await filesOnDisk(host)).toSorted()).toEqual([kept, recent].toSorted())
})
