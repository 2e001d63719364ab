import type { Socket } from 'node:net'
import { testConsumer, waitFor } from '@x/testkit'
import { testAuthority } from '@x/testkit/certificates'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createInterimFilter, MAX_INTERIM_BYTES } from '../../src/http/interim-responses.ts'
import { type HostOptions, site, startHost } from '../open-host.ts'
import { proxyServer } from '../proxy-server.ts'
import { keepWriting, rawServer } from '../raw-server.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwell'
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

/** What comes of so many deliveries to one endpoint, one after the other. */
async function deliver(url: string, options: HostOptions = {}, count = 1) {
  await using host = await startHost({
    ...options,
    network: { allow: ['127.0.0.0/8'], httpsOnly: false, ...options.network },
  })
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url, concurrency: 1 })
  const found = []
  for (let id = 1; id <= count; id++) {
    const { id: eventId } = await host.engine.syncManager.addSyncEvent(site, 'File', id, 'Download')
    found.push(
      await waitFor(async () => {
        const all = await host.sender.deliveries.list({ tenantId: 1, endpointId: endpoint.id })
        const one = all.find((delivery) => delivery.eventId === eventId)
        const isTried = one && (one.attemptCount > 0 || one.lastErrorCode !== undefined)
        return isTried && host.sender.deliveries.get(one.id)
      }, 'an attempt'),
    )
  }
  return found
}

const saying =
  (...parts: string[]) =>
  (socket: Socket) => {
    for (const part of parts) socket.write(part)
  }

async function byteByByte(socket: Socket, text: string): Promise<void> {
  socket.setNoDelay(true)
  for (const byte of text) {
    socket.write(byte)
    await new Promise(setImmediate)
  }
}

describe('an interim response that nobody asked for is read, and the final one counts', () => {
  it.each([
    ['100 Continue', CONTINUE],
    ['100 without a reason', 'HTTP/1.1 100\r\n\r\n'],
    ['100 with headers', 'HTTP/1.1 100 Continue\r\nserver: Microsoft-IIS/8.5\r\ncontent-length: 0\r\n\r\n'],
    ['100 that wants to close', 'HTTP/1.1 100 Continue\r\nconnection: close\r\n\r\n'],
    ['100 in HTTP/1.0', 'HTTP/1.0 100 Continue\r\n\r\n'],
    ['100 with bare line feeds', 'HTTP/1.1 100 Continue\nserver: old\n\n'],
    ['102 Processing', 'HTTP/1.1 102 Processing\r\n\r\n'],
    ['103 Early Hints', 'HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n'],
    ['an unknown one', 'HTTP/1.1 199 Whatever\r\nupgrade: h2c\r\n\r\n'],
    ['several', `${CONTINUE}${CONTINUE}HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n`],
  ])('%s', async (_what, interim) => {
    await using server = await rawServer(saying(interim, OK))
    const [first, second] = await deliver(server.url, {}, 2)
    const expected = { state: 'succeeded', attemptCount: 1, lastStatus: 200 }
    expect(first).toMatchObject(expected)
    expect(second).toMatchObject(expected)
    expect(first?.attempts[0]?.response).toEqual({ status: 200, body: 'well' })
    // The connection is as good as before.
    expect(server.received).toHaveLength(1)
  })

  it('byte by byte', async () => {
    await using server = await rawServer((socket) => void byteByByte(socket, CONTINUE + CONTINUE + OK))
    expect(await deliver(server.url, {}, 2)).toMatchObject([{ lastStatus: 200 }, { lastStatus: 200 }])
  })

  it('in one piece with the final one, which is a failure', async () => {
    const failure = 'HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n'
    await using server = await rawServer(saying(CONTINUE + failure))
    expect(await deliver(server.url)).toMatchObject([
      { state: 'pending', lastStatus: 500, lastErrorCode: 'http_status' },
    ])
  })

  it('over TLS', async () => {
    const authority = await testAuthority()
    await using server = await rawServer(saying(CONTINUE, OK), await authority.issue())
    const network = { allow: ['127.0.0.0/8'], ca: authority.ca }
    expect(await deliver(server.url, { network })).toMatchObject([{ state: 'succeeded', lastStatus: 200 }])
  })

  it('to the challenge that asks for the owner', async () => {
    await using server = await rawServer(saying(CONTINUE, OK))
    await using host = await startHost({
      network: { allow: ['127.0.0.0/8'], httpsOnly: false },
      verifyOwnership: true,
    })
    const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: server.url })
    await expect(host.sender.endpoints.verify(endpoint.id)).rejects.toMatchObject({
      code: 'ownership_not_proved',
      message: expect.stringContaining('it responded with 200 without the token'),
    })
  })
})

describe('what is no final response fails', () => {
  it.each([
    ['with what it switches to', 'upgrade: h2c\r\nconnection: upgrade\r\n'],
    ['alone', ''],
    ['after a 100', '', CONTINUE],
  ])('101 %s', async (_what, headers, before = '') => {
    await using server = await rawServer(
      saying(`${before}HTTP/1.1 101 Switching Protocols\r\n${headers}\r\n`, OK),
    )
    const [delivery] = await deliver(server.url)
    expect(delivery).toMatchObject({ state: 'pending', lastErrorCode: 'invalid_response' })
    expect(delivery?.lastStatus).toBeUndefined()
    expect(delivery?.attempts[0]?.errorMessage).toContain('responded with 101 Switching Protocols')
  })

  it('a connection that ends after a 100: what has begun is not sent a second time at once', async () => {
    await using server = await rawServer((socket, request) => {
      if (request === 1) socket.write(OK)
      else socket.end(CONTINUE)
    })
    const [, second] = await deliver(server.url, {}, 2)
    expect(second).toMatchObject({ state: 'pending', lastErrorCode: 'connection_lost', attemptCount: 1 })
    expect(server.received).toHaveLength(1)
  })

  it('more of them than are read', async () => {
    const many = `HTTP/1.1 103 Early Hints\r\nlink: ${'x'.repeat(1_000)}\r\n\r\n`.repeat(100)
    await using server = await rawServer(saying(many, OK))
    const [delivery] = await deliver(server.url)
    expect(delivery).toMatchObject({ state: 'pending', lastErrorCode: 'invalid_response' })
    expect(delivery?.attempts[0]?.errorMessage).toContain('1xx')
  })
})

describe('a final response that comes before the request is sent', () => {
  it('counts, and the next request gets a connection that works', async () => {
    const large = 'x'.repeat(8_000_000)
    // Reads no more of the first request than its head.
    await using server = await rawServer((socket, request, connection) => {
      socket.write('HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n')
      if (connection === 0 && request === 1) socket.pause()
    })
    await using host = await startHost({
      network: { allow: ['127.0.0.0/8'], httpsOnly: false },
      timeoutMs: 60_000,
      maxBodyBytes: 10_000_000,
      engine: { maxDataBytes: 10_000_000 },
    })
    await host.sender.endpoints.create({ tenantId: 1, url: server.url, concurrency: 1 })
    await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download', { data: large })
    await waitFor(async () => (await host.sender.stats()).sinceStart.succeeded === 1, 'the first')
    await host.engine.syncManager.addSyncEvent(site, 'File', 2, 'Download')
    await waitFor(async () => (await host.sender.stats()).sinceStart.succeeded === 2, 'the second')
    expect(await host.sender.stats()).toMatchObject({ sinceStart: { attempts: 2, failed: 0 } })
    expect(server.received).toHaveLength(2)
  })
})

describe('a proxy that sends interim responses before it has connected', () => {
  const several = `${CONTINUE}HTTP/1.1 102 Processing\r\n\r\n`

  it.each<[string, number | undefined, Record<string, string>, string | null]>([
    ['and connects', undefined, {}, null],
    ['and refuses', 407, {}, 'proxy_unauthorized'],
    ['and refuses as Smokescreen does', 407, { 'X-Smokescreen-Error': 'no' }, 'forbidden_address'],
    ['and is in trouble', 502, {}, 'proxy_connect_failed'],
  ])('%s', async (_what, status, headers, code) => {
    await using consumer = await testConsumer()
    await using proxy = await proxyServer()
    proxy.sayFirst(several)
    proxy.answer(status, headers)
    const network = { allow: ['127.0.0.0/8'], proxy: { url: proxy.url } }
    const [delivery] = await deliver(consumer.url, { network })
    if (code === null) expect(delivery).toMatchObject({ state: 'succeeded', attemptCount: 1 })
    else expect(delivery).toMatchObject({ lastErrorCode: code })
  })

  it.each([
    ['and no HTTP', (socket: Socket) => void socket.end(`${CONTINUE}220 mail.example\r\n\r\n`)],
    ['and closes', (socket: Socket) => void socket.end(CONTINUE)],
    ['and is silent', (socket: Socket) => void socket.write(CONTINUE)],
    ['and no end', (socket: Socket) => keepWriting(socket, CONTINUE.repeat(2_000), 1)],
    [
      'and a head without an end',
      (socket: Socket) => {
        socket.write(`${CONTINUE}HTTP/1.1 200 `)
        keepWriting(socket, 'x'.repeat(100), 1)
      },
    ],
  ])('%s', async (_what, behave) => {
    await using proxy = await rawServer(behave)
    const network = { allow: ['127.0.0.0/8'], proxy: { url: new URL(proxy.url).origin } }
    const [delivery] = await deliver('http://127.0.0.1:8080/', { network, connectTimeoutMs: 500 })
    expect(delivery).toMatchObject({ attemptCount: 0, lastErrorCode: 'proxy_unavailable' })
    await waitFor(() => proxy.open === 0, 'the connection to be closed')
  })
})

it('takes out interim responses and nothing else, however the bytes are cut', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ':', ' ', '\t', '1') })
  const interim = fc
    .record({
      status: fc.integer({ min: 100, max: 199 }).filter((status) => status !== 101),
      headers: fc.array(
        text.map((value) => `x-a: ${value}`),
        { maxLength: 3 },
      ),
      newline: fc.constantFrom('\r\n', '\n'),
    })
    .map(({ status, headers, newline }) => [`HTTP/1.1 ${status} x`, ...headers, '', ''].join(newline))
  const final = fc.constantFrom(
    'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    'HTTP/1.1 999 x',
    'HTTP/1.1 1000 x',
    'HTTX/1.1 100 Continue\r\n\r\n',
    '220 mail.example',
    'x',
  )
  const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 10 })
  fc.assert(
    fc.property(fc.array(interim, { maxLength: 4 }), final, cuts, (before, last, lengths) => {
      const filter = createInterimFilter()
      filter.begin()
      let rest = Buffer.from(before.join('') + last)
      const passed: Buffer[] = []
      for (let turn = 0; rest.length > 0; turn += 1) {
        const length = lengths[turn % lengths.length] as number
        const out = filter.take(rest.subarray(0, length))
        if (out) passed.push(out)
        rest = rest.subarray(length)
      }
      // A status of four digits is cut as the parser would: its first three are one of an interim response.
      const expected = last === 'HTTP/1.1 1000 x' ? '' : last
      expect(Buffer.concat(passed).toString()).toBe(expected)
    }),
  )
})

it('keeps no more of them than is allowed', () => {
  const filter = createInterimFilter()
  filter.begin()
  const head = Buffer.from('HTTP/1.1 103 Early Hints\r\nlink: ')
  filter.take(head)
  filter.take(Buffer.alloc(MAX_INTERIM_BYTES - head.length, 'x'))
  expect(() => filter.take(Buffer.from('x'))).toThrow('more than 65536 bytes')
})
