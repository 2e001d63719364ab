import { readFile } from 'node:fs/promises'
import { createServer as createHttp2Server, createSecureServer } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { testConsumer, waitFor } from '@x/testkit'
import { selfSigned, testAuthority } from '@x/testkit/certificates'
import { describe, expect, it } from 'vitest'
import { SNIPPET_BYTES, snippetOf } from '../../src/http/post.ts'
import { type HostOptions, type OpenHost, site, startHost } from '../open-host.ts'
import { keepWriting, rawServer } from '../raw-server.ts'

const network = { allow: ['127.0.0.0/8', '::1/128'], httpsOnly: false }
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'

async function attempted(host: OpenHost, endpointId: string) {
  return waitFor(async () => {
    const [delivery] = await host.sender.deliveries.list({ tenantId: 1, endpointId })
    return delivery && delivery.attemptCount > 0 && host.sender.deliveries.get(delivery.id)
  }, 'an attempt')
}

/**
 * One event for the endpoint of a test and for another, which has to get its own whatever becomes of the
 * first.
 */
async function deliverTo(url: string, options: HostOptions = {}, data?: string) {
  await using good = await testConsumer()
  const host = await startHost({ network, ...options })
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url })
  await host.sender.endpoints.create({ tenantId: 1, url: good.url })
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download', data === undefined ? {} : { data })
  const delivery = await attempted(host, endpoint.id)
  await good.received(1)
  await host.sender.stop()
  await host[Symbol.asyncDispose]()
  const [first] = delivery.attempts
  return { ...delivery, first, code: delivery.lastErrorCode, status: delivery.lastStatus }
}

/** Answers each request, once it is there, with this and nothing more. */
const saying =
  (...parts: (string | Buffer)[]) =>
  (socket: Socket) => {
    for (const part of parts) socket.write(part)
  }

describe('takes too long', () => {
  /** Long enough for a busy machine to connect, and to read a head. */
  const soon = { timeoutMs: 1_500 }

  it.each<[string, (socket: Socket) => void, number | undefined]>([
    ['does not answer', () => {}, undefined],

    [
      'sends the head byte by byte, without an end',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n')
        keepWriting(socket, 'x', 5)
      },
      undefined,
    ],
    [
      'sends the body byte by byte',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n')
        keepWriting(socket, 'x', 5)
      },
      200,
    ],
    [
      'sends 103 again and again, and no answer',
      (socket) => {
        keepWriting(socket, 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', 5)
      },
      undefined,
    ],
    ['says that it works on it, and no more', saying('HTTP/1.1 102 Processing\r\n\r\n'), undefined],
    ['reads nothing of a large request', (socket) => void socket.pause(), undefined],
  ])('a server that %s', async (_what, behave, status) => {
    await using server = await rawServer(behave)
    const delivery = await deliverTo(server.url, soon, 'x'.repeat(200_000))
    expect(delivery).toMatchObject({ state: 'pending', code: 'timeout', attemptCount: 1 })
    expect(delivery.status).toBe(status)
  })

  it('a server that takes the connection, and never shakes hands', async () => {
    await using server = await rawServer(() => {})
    const url = server.url.replace('http:', 'https:')
    expect(await deliverTo(url, { connectTimeoutMs: 100 })).toMatchObject({ code: 'connect_timeout' })
  })
})

describe('has an answer that is cut off', () => {
  const half = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'
  const chunk = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n'
  const reset = (text: string) => (socket: Socket) => void socket.write(text, () => socket.resetAndDestroy())

  it.each<[string, (socket: Socket) => void, number | undefined]>([
    ['closed before an answer', (socket) => void socket.end(), undefined],
    ['closed in the head', (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-'), undefined],
    ['closed in the body', (socket) => void socket.end(half), 200],
    ['closed in a chunked body', (socket) => void socket.end(chunk), 200],
    ['reset before an answer', (socket) => void socket.resetAndDestroy(), undefined],
    ['reset in the body', reset(half), 200],
  ])('%s', async (_what, behave, status) => {
    await using server = await rawServer(behave)
    const delivery = await deliverTo(server.url)
    expect(delivery).toMatchObject({ state: 'pending', code: 'connection_lost', attemptCount: 1 })
    expect(delivery.status).toBe(status)
    // A new connection says all there is to know: nothing is gained by a second request.
    expect(server.received).toHaveLength(1)
  })

  it('reset while it is still sent to', async () => {
    await using server = await rawServer((socket) => socket.resetAndDestroy())
    const delivery = await deliverTo(server.url, {}, 'x'.repeat(200_000))
    expect(delivery).toMatchObject({ state: 'pending', code: 'connection_lost' })
  })
})

describe('answers what cannot be understood', () => {
  const long = 'x'.repeat(1_000)
  const manyHeaders = Array.from({ length: 40 }, (_, index) => `x-${index}: ${long}\r\n`).join('')

  it.each([
    ['an invalid status line', 'HTTP/1.1 fine\r\n\r\n'],
    ['an unknown version', 'HTTP/9.9 200 OK\r\n\r\n'],
    ['another protocol', '220 mail.example ESMTP\r\n'],
    ['more headers than are read', `HTTP/1.1 200 OK\r\n${manyHeaders}\r\n`],
    ['one header longer than is read', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['an invalid chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
    [
      '101 Switching Protocols',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n',
    ],
  ])('%s', async (_what, answer) => {
    await using server = await rawServer(saying(answer))
    const delivery = await deliverTo(server.url)
    expect(delivery).toMatchObject({ state: 'pending', code: 'invalid_response', attemptCount: 1 })
    expect(delivery.first?.errorMessage).not.toBe('')
  })

  it('HTTP/2 only, in clear', async () => {
    const server = createHttp2Server()
    server.on('sessionError', () => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    expect(await deliverTo(url)).toMatchObject({ code: 'invalid_response' })
    server.close()
  })
})

describe('answers oddly, and well enough', () => {
  const hints = 'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(100)

  it.each<[string, (socket: Socket) => void, number]>([
    ['many 1xx, and then the answer', saying(hints, OK), 200],
    [
      'trailers after the body',
      saying('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nretry-after: 9\r\n\r\n'),
      200,
    ],
    ['a body to 204', saying('HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\nbody'), 204],
    ['bytes after the answer', saying(OK, 'and another thing'), 200],
    ['a body that ends with the connection', (socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nall'), 200],
    ['HTTP/1.0', (socket) => void socket.end('HTTP/1.0 200 OK\r\n\r\n'), 200],
    ['before the request has ended', (socket) => void socket.end(`${OK}`), 200],
    [
      'an endless body',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        const more = () => {
          while (!socket.destroyed && socket.write('x'.repeat(16_384)));
        }
        socket.on('drain', more)
        more()
      },
      200,
    ],
  ])('%s', async (_what, behave, status) => {
    await using server = await rawServer(behave)
    const delivery = await deliverTo(server.url)
    expect(delivery).toMatchObject({ state: 'succeeded', attemptCount: 1, status })
    expect(delivery.first?.response?.body.length).toBeLessThanOrEqual(4_096)
  })

  it('a redirect to where the cloud keeps its secrets', async () => {
    await using consumer = await testConsumer()
    consumer.answer(() => ({
      status: 302,
      headers: { location: 'http://169.254.169.254/latest/meta-data/' },
    }))
    expect(await deliverTo(consumer.url)).toMatchObject({ state: 'pending', code: 'redirect', status: 302 })
    expect(consumer.requests).toHaveLength(1)
  })
})

describe('compresses its answer', () => {
  const problem = JSON.stringify({ title: 'No such page', detail: 'é'.repeat(20) })
  const answering = (encoding: string, body: Buffer) =>
    rawServer(
      saying(
        `HTTP/1.1 500 No\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${body.length}\r\n\r\n`,
        body,
      ),
    )

  it.each([
    ['gzip', gzipSync(problem)],
    ['x-gzip', gzipSync(problem)],
    ['deflate', deflateSync(problem)],
    ['br', brotliCompressSync(problem)],
    ['zstd', zstdCompressSync(problem)],
    // Not what it says: shown as it came.
    ['gzip', Buffer.from(problem)],
    ['identity', Buffer.from(problem)],
  ])('%s, and is shown as text', async (encoding, body) => {
    await using server = await answering(encoding, body)
    expect((await deliverTo(server.url)).first?.response).toMatchObject({ status: 500, body: problem })
  })

  it.each([
    ['gzip', gzipSync(Buffer.alloc(50_000_000, 'bomb'))],
    ['br', brotliCompressSync(Buffer.alloc(50_000_000, 'bomb'))],
    ['zstd', zstdCompressSync(Buffer.alloc(50_000_000, 'bomb'))],
  ])('%s, as a bomb, which does not go off', async (encoding, body) => {
    await using server = await answering(encoding, body)
    const { first } = await deliverTo(server.url)
    expect(first?.response?.status).toBe(500)
    expect(first?.response?.body.length).toBeLessThanOrEqual(4_096)
    const before = process.memoryUsage().arrayBuffers
    snippetOf(body.subarray(0, SNIPPET_BYTES), encoding)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2_000_000)
  })

  it('shows the beginning of a long one', async () => {
    const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index * 7_919}`).join('\n')
    await using server = await answering('gzip', gzipSync(lines))
    expect((await deliverTo(server.url)).first?.response?.body).toBe(lines.slice(0, 4_096))
  })
})

describe('has trouble with TLS', () => {
  const speak = saying(OK)

  it('is reached where the host trusts its authority', async () => {
    const authority = await testAuthority()
    await using server = await rawServer(speak, await authority.issue())
    const trusting = { network: { ...network, ca: authority.ca } }
    expect(await deliverTo(server.url, trusting)).toMatchObject({ state: 'succeeded' })
    expect(await deliverTo(server.url)).toMatchObject({ state: 'pending', code: 'tls_failure' })
  })

  it.each([
    ['the name of another', { names: ['other.example', '127.0.0.2'] }],
    ['expired', { expired: true }],
  ])('with a certificate that is %s', async (_what, wish) => {
    const authority = await testAuthority()
    await using server = await rawServer(speak, await authority.issue(wish))
    const trusting = { network: { ...network, ca: [authority.ca] } }
    expect(await deliverTo(server.url, trusting)).toMatchObject({ code: 'tls_failure', attemptCount: 1 })
    expect(server.received.join('')).toBe('')
  })

  it('with a certificate that vouches for itself', async () => {
    await using server = await rawServer(speak, await selfSigned())
    expect(await deliverTo(server.url)).toMatchObject({ code: 'tls_failure', attemptCount: 1 })
  })

  it('speaks a version that is too old for the host', async () => {
    const authority = await testAuthority()
    await using server = await rawServer(speak, { ...(await authority.issue()), maxVersion: 'TLSv1.2' })
    const trusting = { ...network, ca: authority.ca }
    expect(await deliverTo(server.url, { network: trusting })).toMatchObject({ state: 'succeeded' })
    const strict = { network: { ...trusting, minTlsVersion: 'TLSv1.3' as const } }
    expect(await deliverTo(server.url, strict)).toMatchObject({ code: 'tls_failure' })
  })

  it('does not speak it at all', async () => {
    await using server = await rawServer(saying('HTTP/1.1 400 Bad Request\r\n\r\n'))
    expect(await deliverTo(server.url.replace('http:', 'https:'))).toMatchObject({ code: 'tls_failure' })
  })

  it('speaks nothing else, where it is asked in clear', async () => {
    await using server = await rawServer(speak, await selfSigned())
    const { code } = await deliverTo(server.url.replace('https:', 'http:'))
    expect(code).toMatch(/^(connection_lost|invalid_response)$/)
  })

  it('speaks HTTP/2 only', async () => {
    const authority = await testAuthority()
    const server = createSecureServer({ ...(await authority.issue()), allowHTTP1: false })
    server.on('sessionError', () => {}).on('tlsClientError', () => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
    expect(await deliverTo(url, { network: { ...network, ca: authority.ca } })).toMatchObject({
      state: 'pending',
      code: 'tls_failure',
    })
    server.close()
  })
})

it('has no error code that the README does not explain, and explains none that there is not', async () => {
  const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8')
  const source = await read('../../src/deliveries/attempt-error-code.ts')
  const [, union = ''] = /export type AttemptErrorCode =\n((?: {2}\| '\w+'\n)+)/.exec(source) ?? []
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code)
  const readme = await read('../../README.md')
  const [, section = ''] = readme.split('## Failure attribution')
  const [table = ''] = section.split('\n## ')
  const explained = [...table.matchAll(/^\| `(\w+)` /gm)].map(([, code]) => code)
  expect(codes.length).toBeGreaterThan(15)
  expect(explained.filter((code) => code !== 'errorCode').sort()).toEqual(codes.sort())
})
