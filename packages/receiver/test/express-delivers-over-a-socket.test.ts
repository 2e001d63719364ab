import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import express, { type Express, type RequestHandler } from 'express'
import { describe, expect, it } from 'vitest'
import { webhook } from '../src/express.ts'
import { createReceiver, memoryReplayStore } from '../src/index.ts'
import { signedHeaders } from '../src/testing.ts'
import { payloadOf, secret } from './messages.ts'

async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/hook`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function recordingReceiver() {
  const receiver = createReceiver({
    secrets: secret,
    maxBodyBytes: 100_000,
    replayStore: memoryReplayStore(),
  })
  const types: string[] = []
  const errors: unknown[] = []
  receiver.on('*', (event) => types.push(event.type))
  receiver.onError((error) => errors.push(error))
  return { receiver, types, errors }
}

async function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers = signedHeaders({ secret, body }),
) {
  const response = await fetch(url, { method: 'POST', headers, body })
  return { status: response.status, text: await response.text() }
}

const body = JSON.stringify({ ...payloadOf('File.Create'), text: 'Grüße \u{1f4e8}'.repeat(1000) })

const parsers: [string, RequestHandler[]][] = [
  ['alone', []],
  ['behind express.raw()', [express.raw({ type: '*/*' })]],
  ['behind express.text()', [express.text({ type: '*/*' })]],
  ['behind a parser of other content types', [express.urlencoded({ extended: false })]],
  [
    'behind express.json() that keeps the bytes',
    [express.json({ verify: (req, _res, bytes) => void Object.assign(req, { rawBody: bytes }) })],
  ],
]

function appWith(middleware: RequestHandler[], handler: RequestHandler): Express {
  const app = express()
  for (const before of middleware) app.use(before)
  app.post('/hook', handler)
  return app
}

describe.each(parsers)('webhook(receiver) %s', (_, middleware) => {
  it('receives what arrives over a socket', async () => {
    const { receiver, types, errors } = recordingReceiver()
    await using server = await serve(appWith(middleware, webhook(receiver)))
    expect(await post(server.url, body)).toEqual({ status: 204, text: '' })
    expect(types).toEqual(['File.Create'])
    expect(errors).toEqual([])
  })

  it('refuses what was changed', async () => {
    const { receiver, types } = recordingReceiver()
    await using server = await serve(appWith(middleware, webhook(receiver)))
    const headers = signedHeaders({ secret, body })
    expect(await post(server.url, `${body} `, headers)).toMatchObject({ status: 401 })
    expect(types).toEqual([])
  })

  it('answers an empty body', async () => {
    const { receiver } = recordingReceiver()
    await using server = await serve(appWith(middleware, webhook(receiver)))
    expect(await post(server.url, '')).toMatchObject({ status: 400 })
  })
})

describe('webhook(receiver)', () => {
  it('answers 500 and says why when express.json() has parsed the body', async () => {
    const { receiver, types, errors } = recordingReceiver()
    await using server = await serve(appWith([express.json()], webhook(receiver)))
    const { status, text } = await post(server.url, body)
    expect(status).toBe(500)
    expect(JSON.parse(text)).toMatchObject({
      status: 500,
      code: 'body_consumed',
      detail: expect.stringContaining('before express.json()'),
    })
    expect(types).toEqual([])
    expect(errors).toMatchObject([{ name: 'ReceiverError', code: 'body_consumed' }])
  })

  it('answers 500 too when a stream was read by somebody who left nothing', async () => {
    const { receiver } = recordingReceiver()
    const swallow: RequestHandler = (req, _res, next) => void req.resume().on('end', next)
    await using server = await serve(appWith([swallow], webhook(receiver)))
    expect(await post(server.url, body)).toMatchObject({ status: 500 })
  })

  it('answers 500 when a handler fails, so that the sender tries again', async () => {
    const { receiver } = recordingReceiver()
    let calls = 0
    receiver.on('File.*', () => {
      if (++calls === 1) throw new Error('first')
    })
    await using server = await serve(appWith([], webhook(receiver)))
    const headers = signedHeaders({ secret, body })
    const statuses = []
    for (let attempt = 0; attempt < 3; attempt++)
      statuses.push((await post(server.url, body, headers)).status)
    expect(statuses).toEqual([500, 204, 200])
  })

  it('answers 413 to a body beyond the limit, announced or not', async () => {
    const { receiver } = recordingReceiver()
    await using server = await serve(appWith([], webhook(receiver)))
    const long = new Uint8Array(100_001)
    expect(await post(server.url, long)).toMatchObject({ status: 413 })

    const socket = connect(server.port, '127.0.0.1')
    socket.write(
      'POST /hook HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    )
    socket.write(`186a1\r\n${'x'.repeat(100_001)}\r\n`)
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1\.1 413 .*connection: close/is)
    socket.destroy()
  })

  it('survives a sender that hangs up in the middle of the body', async () => {
    const { receiver, types, errors } = recordingReceiver()
    const { promise: reported, resolve } = Promise.withResolvers<void>()
    receiver.onError(() => resolve())
    await using server = await serve(appWith([], webhook(receiver)))
    const socket = connect(server.port, '127.0.0.1')
    socket.write(
      'POST /hook HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    )
    socket.end()
    await reported
    expect(errors).toHaveLength(1)
    expect(await post(server.url, body)).toMatchObject({ status: 204 })
    expect(types).toEqual(['File.Create'])
  })

  it('serves plain node:http as well', async () => {
    const { receiver, types } = recordingReceiver()
    await using server = await serve(webhook(receiver))
    expect(await post(server.url, body)).toMatchObject({ status: 204 })
    expect(types).toEqual(['File.Create'])
    expect((await fetch(server.url)).status).toBe(405)
  })
})
