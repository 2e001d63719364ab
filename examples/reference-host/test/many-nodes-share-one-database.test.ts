import { silentLogger } from '@x/events-core'
import { temporaryFolder, testConsumer, waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import { expect, it } from 'vitest'
import { type HostConfig, readConfig } from '../src/config.ts'
import { openHost } from '../src/host/open-host.ts'
import { jsonOf } from './open-test-host.ts'
import { startMain } from './start-main.ts'

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64')

/** Two nodes that start at the same moment, on a new database and an empty folder that they share. */
async function startTwoNodes() {
  await using opened = new AsyncDisposableStack()
  const { url: databaseUrl } = opened.use(await postgresDatabase())
  const { path: dataDir } = opened.use(await temporaryFolder())
  const env = { DATABASE_URL: databaseUrl, HOST_DATA_DIR: dataDir, WEBHOOK_ALLOW_NETWORKS: '127.0.0.0/8' }
  const processes = [opened.use(startMain(env)), opened.use(startMain(env))] as const
  const urls = await Promise.all(processes.map((node) => node.ready()))
  const tokens = processes.map(({ lines }) => /Admin token: (\S+)/.exec(lines.join('\n'))?.[1] ?? '')
  const headers = { authorization: `Bearer ${tokens[0]}`, 'content-type': 'application/json' }
  const nodes = urls.map((url) => ({
    read: <TBody>(path: string) => jsonOf<TBody>(fetch(url + path, { headers })),
    send: (path: string, method: string, body: object) =>
      fetch(url + path, { method, headers, body: JSON.stringify(body) }),
    upload: (form: FormData) =>
      fetch(`${url}/api/File/upload`, {
        method: 'POST',
        headers: { authorization: headers.authorization },
        body: form,
      }),
    download: (id: number) => fetch(`${url}/api/File/download/${id}`),
  }))
  const cleanUp = opened.move()
  const [first, second] = nodes
  if (!first || !second) throw new Error('unreachable: there are two')
  return { first, second, tokens, dataDir, databaseUrl, [Symbol.asyncDispose]: () => cleanUp.disposeAsync() }
}

it('serves one installation from two nodes that have started at once', async () => {
  await using consumer = await testConsumer()
  await using cluster = await startTwoNodes()
  const { first, second, tokens } = cluster
  expect(tokens[0]).toBe(tokens[1])
  expect(await first.read('/api/Site')).toMatchObject([{ siteId: 1, name: 'Master' }])

  await first.send('/portal/api/endpoints', 'POST', {
    url: consumer.url,
    eventTypes: ['File.*', 'Site.Update'],
  })
  expect(await second.read('/api/Site/1')).toMatchObject({ name: 'Master' })
  expect((await first.send('/api/Site/1', 'PUT', { name: 'Changed' })).status).toBe(200)
  await waitFor(
    async () => (await second.read<{ name: string }>('/api/Site/1')).name === 'Changed',
    'the change on the other node',
  )

  const form = new FormData()
  form.set('file', new Blob(['content']), 'a.txt')
  const { fileId } = await jsonOf<{ fileId: number }>(first.upload(form))
  const download = await second.download(fileId)
  expect(await download.text()).toBe('content')
  await waitFor(
    async () => (await first.read<unknown[]>(`/api/File/${fileId}/downloads`)).length === 1,
    'the note',
  )

  await waitFor(() => consumer.requests.length >= 3, 'the webhooks')
  const types = consumer.requests.map(({ rawBody }) => JSON.parse(rawBody.toString()).type)
  expect(types.sort()).toEqual(['File.Create', 'File.Download', 'Site.Update'])
})

it('refuses a node with another key, other files, or a database that is not there', async () => {
  await using database = await postgresDatabase()
  await using folder = await temporaryFolder()
  await using other = await temporaryFolder()
  const config = {
    ...readConfig({ PORT: '0', ENCRYPTION_KEY: key(1), ADMIN_TOKEN: 'the-token-of-a-test' }),
    databaseUrl: database.url,
    dataDir: folder.path,
  }
  const startAndStop = async (changed: Partial<HostConfig>): Promise<void> => {
    await using _host = await openHost({ ...config, ...changed }, silentLogger)
  }
  const refusal = (changed: Partial<HostConfig>): Promise<string> =>
    startAndStop(changed).then(
      () => 'It was not refused.',
      (error: Error) => error.message,
    )

  await startAndStop({})
  const wrongKey = await refusal({ encryptionKey: key(2) })
  expect(wrongKey).toContain('ENCRYPTION_KEY: this database belongs to hosts with another encryption key.')
  expect(wrongKey).not.toContain(key(2))
  expect(await refusal({ dataDir: other.path })).toContain('HOST_DATA_DIR: this database belongs to hosts')
  const unreachable = await refusal({ databaseUrl: 'postgres://someone:password@127.0.0.1:1/nothing' })
  expect(unreachable).toContain('DATABASE_URL: cannot connect to postgres://127.0.0.1:1/nothing')
  expect(unreachable).not.toContain('password')

  // A key is changed by naming the one before; a node with the old one alone is refused from then on.
  await startAndStop({ encryptionKey: key(2), previousEncryptionKeys: [key(1)] })
  expect(await refusal({})).toContain('another encryption key')
})
