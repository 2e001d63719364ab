import { get, type IncomingMessage } from 'node:http'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { openTestHost, type TestHost } from './open-test-host.ts'

interface Message {
  readonly id: string
  readonly type: string
  readonly siteKey: string
}

/** Follows `/api/Sync/stream` as a browser does. */
async function follow(
  { host }: TestHost,
  options: { token?: string | undefined; hostName?: string; query?: string; lastEventId?: string } = {},
) {
  const { token, hostName, query = '', lastEventId } = options
  const request = get(`${host.url}/api/Sync/stream${query}`, {
    agent: false,
    headers: {
      'accept-encoding': 'gzip, br',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(hostName === undefined ? {} : { host: hostName }),
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  })
  const incoming = await new Promise<IncomingMessage>((resolve, reject) =>
    request.on('response', resolve).on('error', reject),
  )
  let text = ''
  incoming.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  incoming.on('error', () => {})
  const messages = (): Message[] =>
    [...text.matchAll(/(?<!event: synced\n)^id: (.*)\ndata: (.*)\n\n/gm)]
      .map(([, id = '', data = '{}']) => ({ id, ...JSON.parse(data) }))
      .map(({ id, entityName, action, siteKey }) => ({ id, type: `${entityName}.${action}`, siteKey }))
  return {
    status: incoming.statusCode,
    headers: incoming.headers,
    incoming,
    text: () => text,
    messages,
    types: () => messages().map(({ type }) => type),
    synced: () => waitFor(() => text.includes('event: synced'), 'the stream to be live'),
    ended: new Promise((resolve) => incoming.on('close', resolve)),
    [Symbol.asyncDispose]: async () => void request.destroy(),
  }
}

it('tells an administrator everything, and anybody else what is public', async () => {
  await using host = await openTestHost()
  await using admin = await follow(host, { token: host.host.adminToken })
  await using visitor = await follow(host)
  await Promise.all([admin.synced(), visitor.synced()])
  await host.send('/api/User', { body: { username: 'ada', displayName: 'Ada', email: 'ada@example.org' } })
  await host.send('/api/Page', { body: { name: 'Home' } })
  await waitFor(() => admin.types().length === 3 && visitor.types().length === 2, 'all events')
  expect(admin.types()).toEqual(['User.Create', 'Page.Create', 'Site.Refresh'])
  expect(visitor.types()).toEqual(['Page.Create', 'Site.Refresh'])
})

it('tells a tenant nothing of another, and a site nothing of its neighbours', async () => {
  await using host = await openTestHost()
  const other = await host.addTenant('other.example')
  await host.send('/api/Site', { body: { name: 'Second' } })
  await using first = await follow(host, { token: host.host.adminToken, query: '?siteId=1' })
  await using theirs = await follow(host, { token: other.token, hostName: other.hostName })
  await Promise.all([first.synced(), theirs.synced()])
  const page = (name: string, siteId?: number, as = {}) =>
    host.send('/api/Page', { body: { name, siteId }, ...as })
  const sites = JSON.parse(await (await host.send('/api/Site')).text()) as { siteId: number }[]
  await page('Neighbour', sites.at(-1)?.siteId)
  await page('Theirs', undefined, other)
  await page('Ours', 1)
  await waitFor(() => first.types().length === 2 && theirs.types().length === 2, 'the events')
  expect(new Set(first.messages().map(({ siteKey }) => siteKey))).toEqual(new Set(['1:1']))
  expect(new Set(theirs.messages().map(({ siteKey }) => siteKey))).toEqual(
    new Set([`${other.tenantId}:${other.siteId}`]),
  )
})

it('refuses the token of another tenant, a wrong one, and a site that is none', async () => {
  await using host = await openTestHost()
  const other = await host.addTenant('other.example')
  for (const [options, status] of [
    [{ token: other.token }, 403],
    [{ token: 'wrong' }, 401],
    [{ query: '?siteId=all' }, 400],
  ] as const) {
    await using stream = await follow(host, options)
    expect(stream.status).toBe(status)
    expect(stream.headers['content-type']).toContain('application/problem+json')
  }
})

it('limits the streams of one address', async () => {
  await using host = await openTestHost({ maxStreamsPerAddress: 1 })
  await using first = await follow(host)
  await first.synced()
  await using second = await follow(host)
  expect(second.status).toBe(429)
  expect(second.headers['retry-after']).toBe('30')
})

it('ends streams when the host closes; who comes back hears of the restart and of nothing twice', async () => {
  await using host = await openTestHost()
  await using before = await follow(host)
  await before.synced()
  await host.send('/api/Page', { body: { name: 'Home' } })
  await waitFor(() => before.messages().length === 2, 'the events')
  await host.host.close()
  await before.ended
  expect(before.incoming.complete).toBe(true)

  await using again = await openTestHost({ dataDir: host.dataDir })
  await using after = await follow(again, { lastEventId: before.messages().at(-1)?.id ?? '' })
  await after.synced()
  expect(after.types()).toEqual(['Host.Reload'])
})
