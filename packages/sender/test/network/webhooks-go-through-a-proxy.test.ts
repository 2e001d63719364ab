import { manualClock, testConsumer, waitFor } from '@x/testkit'
import { testAuthority } from '@x/testkit/certificates'
import { describe, expect, it } from 'vitest'
import { createWebhookSender, type ProxyOptions } from '../../src/index.ts'
import { encryptionKey, type HostOptions, openHost, recordingLogger, site, startHost } from '../open-host.ts'
import { proxyServer } from '../proxy-server.ts'
import { rawServer } from '../raw-server.ts'

const loopback = ['127.0.0.0/8', '::1/128']
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'

/** A host whose webhooks go out through a proxy only, and one endpoint. */
async function hostFor(url: string, proxy: ProxyOptions, options: HostOptions = {}) {
  const clock = manualClock(Date.UTC(2026, 0, 1))
  const logger = recordingLogger()
  const { network, ...others } = options
  const host = await startHost({
    ...others,
    engine: { clock, logger, pollMaxMs: 2 ** 30 },
    network: { allow: loopback, ...network, proxy },
  })
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url })
  let count = 0
  return {
    host,
    clock,
    logger,
    endpoint,
    /** Raises one event, and waits until it was tried. */
    async deliver() {
      const { id: eventId } = await host.engine.syncManager.addSyncEvent(site, 'File', ++count, 'Download')
      return waitFor(async () => {
        const all = await host.sender.deliveries.list({ tenantId: 1 })
        const one = all.find((delivery) => delivery.eventId === eventId)
        const isTried = one && (one.attemptCount > 0 || one.lastErrorCode !== undefined)
        return isTried && host.sender.deliveries.get(one.id)
      }, 'an attempt')
    },
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  }
}

it('reaches http and https consumers through CONNECT, and keeps the tunnel for the next request', async () => {
  await using proxy = await proxyServer()
  await using plain = await testConsumer()
  const authority = await testAuthority()
  const certificate = await authority.issue({ names: ['consumer.example'] })
  await using secure = await rawServer((socket) => socket.write(OK), certificate)
  const secureUrl = secure.url.replace('127.0.0.1', 'consumer.example')
  await using test = await hostFor(plain.url, { url: proxy.url }, { network: { ca: authority.ca } })
  await test.host.sender.endpoints.create({ tenantId: 1, url: secureUrl })
  await test.deliver()
  // Only then are both tunnels free.
  await test.host.sender.drain()
  await test.deliver()
  await test.host.sender.drain()
  expect(await test.host.sender.stats()).toMatchObject({ sinceStart: { succeeded: 4, failed: 0 } })
  // The proxy resolves names: it is told the name, and TLS is between the two ends.
  expect(proxy.asked.map(({ to }) => to).sort()).toEqual(
    [new URL(plain.url).host, `consumer.example:${secure.port}`].sort(),
  )
  expect(secure.received).toHaveLength(1)
  expect(secure.received[0]).toContain(`host: consumer.example:${secure.port}`)
})

it('speaks TLS to the proxy itself, whose certificate has to be trusted', async () => {
  const authority = await testAuthority()
  await using proxy = await proxyServer(await authority.issue())
  await using consumer = await testConsumer()
  await using test = await hostFor(consumer.url, { url: proxy.url }, { network: { ca: authority.ca } })
  expect(await test.deliver()).toMatchObject({ state: 'succeeded' })
  await using other = await hostFor(consumer.url, { url: proxy.url })
  expect(await other.deliver()).toMatchObject({ attemptCount: 0, lastErrorCode: 'proxy_unavailable' })
})

it.each<[string, (url: string) => ProxyOptions, string]>([
  [
    'in the url',
    (url) => ({ url: url.replace('://', '://us%40er:p%3Ass@') }),
    `Basic ${Buffer.from('us@er:p:ss').toString('base64')}`,
  ],
  ['as a header', (url) => ({ url, authorization: 'Bearer hush-hush' }), 'Bearer hush-hush'],
])(
  'sends credentials %s to the proxy, to nobody else, and tells them to nobody',
  async (_how, optionsOf, sent) => {
    await using proxy = await proxyServer()
    await using consumer = await testConsumer()
    await using test = await hostFor(consumer.url, optionsOf(proxy.url))
    expect(await test.deliver()).toMatchObject({ state: 'succeeded' })
    expect(proxy.asked).toEqual([{ to: new URL(consumer.url).host, authorization: sent }])
    expect(consumer.requests[0]?.headers).not.toHaveProperty('proxy-authorization')

    proxy.answer(407)
    const { endpoint } = await test.host.sender.endpoints.create({
      tenantId: 1,
      url: 'http://127.0.0.2:8080/',
    })
    await test.deliver()
    const refused = await waitFor(async () => {
      const [one] = await test.host.sender.deliveries.list({ tenantId: 1, endpointId: endpoint.id })
      return one?.lastErrorCode !== undefined && one
    }, 'an attempt')
    expect(refused).toMatchObject({ attemptCount: 0, lastErrorCode: 'proxy_unauthorized' })
    expect(test.logger.messages.join('')).not.toMatch(/hush|p%3Ass|p:ss|Basic/)
  },
)

describe('a proxy that fails is our own fault', () => {
  it.each<[string, number | 'nothing' | 'gone', string]>([
    ['refuses connections', 'gone', 'proxy_unavailable'],
    ['does not answer', 'nothing', 'proxy_unavailable'],
    ['answers 500', 500, 'proxy_unavailable'],
    ['answers 400', 400, 'proxy_unavailable'],
    ['answers 503', 503, 'proxy_connect_failed'],
    ['answers 502', 502, 'proxy_connect_failed'],
    ['answers 407', 407, 'proxy_unauthorized'],
  ])('when it %s: no attempt is burnt, and all goes on afterwards', async (_what, answer, code) => {
    const proxy = await proxyServer()
    await using consumer = await testConsumer()
    // Short only where it has to pass.
    const options = answer === 'nothing' ? { connectTimeoutMs: 500 } : {}
    await using test = await hostFor(consumer.url, { url: proxy.url }, options)
    if (answer === 'gone') await proxy[Symbol.asyncDispose]()
    else proxy.answer(answer)
    const delivery = await test.deliver()
    expect(delivery).toMatchObject({ state: 'pending', attemptCount: 0, lastErrorCode: code, attempts: [] })
    expect((await test.host.sender.endpoints.get(test.endpoint.id)).failingSince).toBeUndefined()
    if (answer === 'gone') return
    proxy.answer(undefined)
    await test.clock.advance(3_600_000)
    await test.host.sender.drain()
    expect(await test.host.sender.deliveries.get(delivery.id)).toMatchObject({
      state: 'succeeded',
      attemptCount: 1,
    })
    await proxy[Symbol.asyncDispose]()
  })

  it.each([502, 504])('unless it says that it is the consumer (%i of Smokescreen)', async (status) => {
    await using proxy = await proxyServer()
    await using test = await hostFor('http://127.0.0.1:9999/', { url: proxy.url })
    proxy.answer(status, { 'x-smokescreen-error': 'Failed to connect to remote host: refused' })
    expect(await test.deliver()).toMatchObject({ attemptCount: 1, lastErrorCode: 'proxy_connect_failed' })
  })

  it('and one consumer that it cannot connect to, while it connects to others, is that one’s', async () => {
    await using proxy = await proxyServer()
    await using consumer = await testConsumer()
    await using test = await hostFor(consumer.url, { url: proxy.url })
    expect(await test.deliver()).toMatchObject({ state: 'succeeded' })
    proxy.answer(502)
    const { endpoint } = await test.host.sender.endpoints.create({
      tenantId: 1,
      url: 'http://127.0.0.1:9999/',
    })
    await test.deliver()
    const failed = await waitFor(async () => {
      const [one] = await test.host.sender.deliveries.list({ tenantId: 1, endpointId: endpoint.id })
      return one?.lastErrorCode !== undefined && one
    }, 'an attempt')
    expect(failed).toMatchObject({ attemptCount: 1, lastErrorCode: 'proxy_connect_failed' })
  })
})

describe('what may be reached', () => {
  it.each<[number, Record<string, string>]>([
    [403, {}],
    [407, { 'x-smokescreen-error': 'Egress proxying is denied to host 10.0.0.1' }],
  ])('is not what the proxy denies (%i)', async (status, headers) => {
    await using proxy = await proxyServer()
    proxy.answer(status, headers)
    await using test = await hostFor('http://inside.example/', { url: proxy.url })
    expect(await test.deliver()).toMatchObject({ attemptCount: 1, lastErrorCode: 'forbidden_address' })
  })

  it('is still no private address and no name of this machine that a URL holds', async () => {
    await using proxy = await proxyServer()
    await using test = await hostFor('http://127.0.0.1:8080/', { url: proxy.url })
    const { sender, engine } = test.host
    await sender.endpoints.create({ tenantId: 1, url: 'http://localhost:8080/' })
    await sender.stop()
    await engine.stop()
    await using strict = await test.host.openAnother({ network: { proxy: { url: proxy.url } } })
    await strict.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')
    await strict.start()
    const refused = await waitFor(async () => {
      const all = await strict.sender.deliveries.list({ tenantId: 1 })
      return all.length === 2 && all.every(({ attemptCount }) => attemptCount === 1) && all
    }, 'two attempts')
    expect(refused.map(({ lastErrorCode }) => lastErrorCode)).toEqual([
      'forbidden_address',
      'forbidden_address',
    ])
    expect(proxy.asked).toEqual([])
  })

  it('is what names lead to here, with resolveLocally: the proxy gets an address that was vetted', async () => {
    await using proxy = await proxyServer()
    const authority = await testAuthority()
    const certificate = await authority.issue({ names: ['consumer.example'] })
    await using secure = await rawServer((socket) => socket.write(OK), certificate)
    const resolve = async (name: string) => (name === 'consumer.example' ? ['127.0.0.1'] : ['10.0.0.1'])
    const options = { network: { ca: authority.ca, resolve } }
    const proxying = { url: proxy.url, resolveLocally: true }
    await using test = await hostFor(secure.url.replace('127.0.0.1', 'consumer.example'), proxying, options)
    expect(await test.deliver()).toMatchObject({ state: 'succeeded' })
    expect(proxy.asked.map(({ to }) => to)).toEqual([`127.0.0.1:${secure.port}`])
    await using inside = await hostFor('http://inside.example/', proxying, options)
    expect(await inside.deliver()).toMatchObject({ attemptCount: 1, lastErrorCode: 'forbidden_address' })
    expect(proxy.asked).toHaveLength(1)
  })
})

it.each<[string, object]>([
  ['network.proxy.url', { proxy: { url: 'socks5://proxy.internal' } }],
  ['network.proxy.url', { proxy: { url: 'http://user:hush@proxy.internal/path' } }],
  ['network.proxy.url', { proxy: {} }],
  ['network.proxy.authorization', { proxy: { url: 'http://proxy.internal', authorization: 'hush\r\nx: y' } }],
  ['network.proxy.resolveLocally', { proxy: { url: 'http://proxy.internal', resolveLocally: 'yes' } }],
  ['network.ca', { ca: 'hush' }],
  ['network.ca', { ca: [7] }],
  ['network.minTlsVersion', { minTlsVersion: 'TLSv1' }],
  ['network.allowPorts', { allowPorts: [8080] }],
  ['network.allowPorts', { allowPorts: '25' }],
  ['network.httpsOnly', { httpsOnly: 'yes' }],
  ['network.resolve', { resolve: {} }],
  ['network.maxOrigins', { maxOrigins: 0 }],
])('refuses the option %s %j, and shows no secret', async (field, network) => {
  await using host = await openHost()
  const creating = () => createWebhookSender({ engine: host.engine, encryptionKey, network })
  expect(creating).toThrow(expect.objectContaining({ code: 'invalid_option', field }))
  expect(creating).not.toThrow(/hush/)
})
