import { testConsumer, waitFor } from '@x/testkit'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createAddressPolicy } from '../../src/http/addresses.ts'
import { readNetworkOptions } from '../../src/http/options.ts'
import { createHttpPools } from '../../src/http/pools.ts'
import { Post, type PostOutcome } from '../../src/http/post.ts'
import { createWebhookSender } from '../../src/index.ts'
import { encryptionKey, type OpenHost, openHost, site, startHost } from '../open-host.ts'

const nothingAllowed = { network: {} }

it.each([
  'http://127.0.0.1/',
  'http://127.1/',
  'http://127.0.0.1.:80/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://0x7f.1/',
  'http://0/',
  'http://0.0.0.0/',
  'http://localhost/',
  'http://LOCALHOST./',
  'http://api.localhost/',
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://172.31.255.255/',
  'http://192.168.1.1/',
  'http://100.64.0.1/',
  'http://169.254.169.254/latest/meta-data/',
  'http://168.63.129.16/',
  'http://100.100.100.200/',
  'http://192.0.0.192/',
  'http://192.0.2.1/',
  'http://198.18.0.1/',
  'http://224.0.0.1/',
  'http://240.0.0.1/',
  'http://255.255.255.255/',
  'http://[::]/',
  'http://[::1]/',
  'http://[0:0:0:0:0:0:0:1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::ffff:169.254.169.254]/',
  'http://[::127.0.0.1]/',
  'http://[64:ff9b::127.0.0.1]/',
  'http://[64:ff9b::a9fe:a9fe]/',
  'http://[64:ff9b:1::1]/',
  'http://[2002:7f00:1::]/',
  'http://[2001::1]/',
  'http://[2001:db8::1]/',
  'http://[3fff::1]/',
  'http://[5f00::1]/',
  'http://[fc00::1]/',
  'http://[fd00:ec2::254]/',
  'http://[fe80::1]/',
  'http://[fec0::1]/',
  'http://[ff02::1]/',
  'http://①②⑦.⓪.⓪.①/',
])('refuses the URL %s when it is saved', async (url) => {
  await using host = await openHost(nothingAllowed)
  const creating = host.sender.endpoints.create({ tenantId: 1, url })
  await expect(creating).rejects.toMatchObject({ code: 'forbidden_address', field: 'url' })
  expect(await host.sender.endpoints.list({ tenantId: 1 })).toEqual([])
})

it.each([
  'https://example.com/hook',
  'http://8.8.8.8/',
  'http://[2606:4700::1111]/',
  'http://[64:ff9b::8.8.8.8]/',
  'https://münchen.example/ä?ö=ü',
])('accepts the URL %s', async (url) => {
  await using host = await openHost(nothingAllowed)
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url })
  expect(endpoint.url).toBe(new URL(url).href)
})

it('opens the networks that the host allows, and no others', () => {
  const policy = createAddressPolicy(['10.1.0.0/16', 'fd00::/8', '::ffff:192.168.0.0/112'])
  expect(policy.isAllowed('10.1.2.3')).toBe(true)
  expect(policy.isAllowed('::ffff:10.1.2.3')).toBe(true)
  expect(policy.isAllowed('64:ff9b::10.1.2.3')).toBe(true)
  expect(policy.isAllowed('fd12::1')).toBe(true)
  expect(policy.isAllowed('192.168.3.4')).toBe(true)
  expect(policy.isAllowed('10.2.0.1')).toBe(false)
  expect(policy.isAllowed('127.0.0.1')).toBe(false)
  expect(policy.isAllowed('fe80::1')).toBe(false)
  expect(policy.isAllowed('nonsense')).toBe(false)
})

it.each(['127.0.0.1', 'everything', '10.0.0.0/33', ''])('refuses the network %j', async (network) => {
  await using host = await openHost()
  const { engine } = host
  expect(() => createWebhookSender({ engine, encryptionKey, network: { allow: [network] } })).toThrow(
    'network.allow',
  )
})

it('never allows a private IPv4 address, however it is written as IPv6', () => {
  const policy = createAddressPolicy([])
  const octet = fc.integer({ min: 0, max: 255 })
  const privateV4 = fc.oneof(
    fc.tuple(fc.constantFrom(0, 10, 127), octet, octet, octet),
    fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
    fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
    fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
    fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet),
  )
  fc.assert(
    fc.property(privateV4, fc.constantFrom('', '::ffff:', '64:ff9b::', '::'), (bytes, prefix) => {
      expect(policy.isAllowed(prefix + bytes.join('.'))).toBe(false)
    }),
  )
})

/** One POST through pools whose names resolve as the test says. */
async function postTo(url: string, allow: string[], addresses: string[]): Promise<PostOutcome> {
  const pools = createHttpPools({
    ...readNetworkOptions({ allow, resolve: async () => addresses }),
    connectTimeoutMs: 30_000,
  })
  const { origin, pathname: path } = new URL(url)
  const outcome = await new Promise<PostOutcome>((resolve) => {
    pools
      .of({ origin, tenantId: 1 })
      .dispatch({ path, method: 'POST', headers: [], body: '{}' }, new Post(resolve))
  })
  await pools.destroy()
  return outcome
}

it('dials what was looked at: a name that resolves to a private address is not connected to', async () => {
  await using consumer = await testConsumer()
  const { port } = new URL(consumer.url)
  const url = `http://rebinding.example:${port}/hook`
  expect(await postTo(url, [], ['127.0.0.1'])).toMatchObject({ error: { code: 'forbidden_address' } })
  expect(await postTo(url, [], ['8.8.8.8', '127.0.0.1'])).toMatchObject({
    error: { code: 'forbidden_address' },
  })
  expect(await postTo(url, [], ['::ffff:127.0.0.1'])).toMatchObject({ error: { code: 'forbidden_address' } })
  expect(consumer.requests).toHaveLength(0)
  expect(await postTo(url, ['127.0.0.0/8'], ['127.0.0.1'])).toMatchObject({ status: 204, error: undefined })
  expect(consumer.requests).toHaveLength(1)
})

it('looks at literal addresses when it connects, too', async () => {
  await using consumer = await testConsumer()
  expect(await postTo(consumer.url, [], [])).toMatchObject({ error: { code: 'forbidden_address' } })
  expect(consumer.requests).toHaveLength(0)
})

async function attempted(host: OpenHost) {
  return waitFor(async () => {
    const [delivery] = await host.sender.deliveries.list({ tenantId: 1 })
    return delivery && delivery.attemptCount > 0 && host.sender.deliveries.get(delivery.id)
  }, 'an attempt')
}

it('records a refused delivery as an attempt, without a request', async () => {
  await using consumer = await testConsumer()
  await using host = await startHost()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.sender.stop()
  await host.engine.stop()
  // The same database under a stricter configuration.
  await using strict = await host.openAnother(nothingAllowed)
  await strict.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
  await strict.start()
  expect(await attempted(strict)).toMatchObject({
    state: 'pending',
    attempts: [
      {
        errorCode: 'forbidden_address',
        errorMessage: expect.stringContaining('127.0.0.1 is not a public address'),
      },
    ],
  })
  expect(consumer.requests).toHaveLength(0)
})
