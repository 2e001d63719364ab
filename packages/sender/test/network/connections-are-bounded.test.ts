import type { Socket } from 'node:net'
import { waitFor } from '@x/testkit'
import { afterEach, expect, it, vi } from 'vitest'
import { readNetworkOptions } from '../../src/http/options.ts'
import { createHttpPools } from '../../src/http/pools.ts'
import { openHost, site, startHost } from '../open-host.ts'
import { rawServer } from '../raw-server.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'
// As many origins as there are names, all of them on one server.
const network = { allow: ['127.0.0.0/8'], resolve: async () => ['127.0.0.1'] }
const named = (name: string, port: number) => `http://${name}.example:${port}/hook`

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

it('keeps connections to few of many origins open, and no more under way than it may', async () => {
  let mostOpen = 0
  await using server = await rawServer((socket) => {
    mostOpen = Math.max(mostOpen, server.open)
    socket.write(OK)
  })
  await using host = await startHost({ network: { ...network, maxOrigins: 5 }, maxInFlight: 8 })
  const origins = 300
  for (let index = 0; index < origins; index++) {
    await host.sender.endpoints.create({ tenantId: 1, url: named(`consumer-${index}`, server.port) })
  }
  for (let id = 0; id < 2; id++) await host.engine.syncManager.addSyncEvent(site, 'File', id, 'Download')
  await host.sender.drain()
  // A busy machine may lose its lease, and repeat some.
  const { sinceStart } = await host.sender.stats()
  expect(sinceStart.failed).toBe(0)
  expect(sinceStart.succeeded).toBeGreaterThanOrEqual(2 * origins)
  // Each pool may have had two at a time, one for either event.
  await waitFor(() => server.open <= 10, 'the connections of other origins to end')
  // The server may hear late of the connections that were closed.
  expect(mostOpen).toBeLessThan(100)
})

it('does not close what is in use while something else is idle', async () => {
  let held: Socket | undefined
  await using server = await rawServer((socket, _request, connection) => {
    if (server.received[connection]?.includes('host: slow.example') && !held) held = socket
    else socket.write(OK)
  })
  await using host = await startHost({ network: { ...network, maxOrigins: 2 } })
  const create = (name: string, eventTypes: string[]) =>
    host.sender.endpoints.create({ tenantId: 1, url: named(name, server.port), eventTypes })
  const { endpoint } = await create('slow', ['Page.*'])
  for (let index = 0; index < 20; index++) await create(`fast-${index}`, ['File.*'])
  await host.engine.syncManager.addSyncEvent(site, 'Page', 1, 'Create')
  await waitFor(() => held, 'the slow request')
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Create')
  await waitFor(async () => (await host.sender.stats()).sinceStart.succeeded === 20, 'all the others')
  held?.write(OK)
  await host.sender.drain()
  await host.engine.syncManager.addSyncEvent(site, 'Page', 2, 'Create')
  await host.sender.drain()
  const deliveries = await host.sender.deliveries.list({ tenantId: 1, endpointId: endpoint.id })
  expect(deliveries.map(({ state, attemptCount }) => [state, attemptCount])).toEqual([
    ['succeeded', 1],
    ['succeeded', 1],
  ])
  // Both went the same way.
  expect(server.received.filter((text) => text.includes('host: slow.example'))).toHaveLength(1)
})

it('closes the one that was not asked for longest, and every one after a minute', async () => {
  const pools = createHttpPools({
    ...readNetworkOptions({ ...network, maxOrigins: 2 }),
    connectTimeoutMs: 500,
  })
  const now = vi.spyOn(performance, 'now').mockReturnValue(0)
  const poolOf = (name: string) => pools.of({ origin: `http://${name}.example`, tenantId: 1 })
  const a = poolOf('a')
  const b = poolOf('b')
  expect(poolOf('a')).toBe(a)
  poolOf('c')
  expect(poolOf('a')).toBe(a)
  expect(poolOf('b')).not.toBe(b)
  expect(pools.size).toBe(2)
  now.mockReturnValue(59_000)
  poolOf('b')
  now.mockReturnValue(61_000)
  pools.closeIdle()
  expect(pools.size).toBe(1)
  await pools.destroy()
  expect(pools.size).toBe(0)
})

it.each([
  ['production', undefined, false],
  ['production', true, false],
  ['production', false, true],
  ['development', undefined, true],
  ['development', true, false],
])('takes http URLs in %s, httpsOnly being %s: %s', async (mode, httpsOnly, takes) => {
  vi.stubEnv('NODE_ENV', mode)
  await using host = await openHost({ network: { httpsOnly } })
  const creating = host.sender.endpoints.create({ tenantId: 1, url: 'http://example.com/' })
  if (takes) await expect(creating).resolves.toBeDefined()
  else await expect(creating).rejects.toMatchObject({ code: 'invalid_url', field: 'url' })
  await expect(
    host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com/' }),
  ).resolves.toBeDefined()
})

it.each(['https://user@example.com/', 'https://:hush@example.com/', 'https://user:hush@example.com/'])(
  'refuses the credentials of %s, and does not repeat them',
  async (url) => {
    await using host = await openHost()
    const creating = host.sender.endpoints.create({ tenantId: 1, url })
    await expect(creating).rejects.toMatchObject({ code: 'invalid_url', field: 'url' })
    await expect(creating).rejects.not.toThrow(/hush/)
  },
)
