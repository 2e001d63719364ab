import express5, { type RequestHandler } from 'express'
import express4 from 'express4'
import { describe, expect, it } from 'vitest'
import { webhook } from '../src/express.ts'
import { createReceiver } from '../src/index.ts'
import { signedHeaders } from '../src/testing.ts'
import { adapterContract, type StartServer } from './adapter-contract.ts'
import { payloadOf, secret } from './messages.ts'
import { send, serve } from './socket.ts'

const keepBytes = (request: object, _response: unknown, rawBody: Buffer) => {
  Object.assign(request, { rawBody })
}
const swallow: RequestHandler = (request, _response, next) => void request.resume().on('end', next)

// The two have types of their own, which differ in what is not used here.
const versions = [
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
] as const

describe.each(versions)('%s', (name, express) => {
  const behind =
    (...middleware: RequestHandler[]): StartServer =>
    (receiver) => {
      const app = express()
      for (const before of middleware) app.use(before)
      app.all('/hook', webhook(receiver))
      return serve(app)
    }

  adapterContract(`webhook(receiver) of ${name}`, {
    start: behind(),
    kept: {
      'behind express.raw()': behind(express.raw({ type: '*/*', limit: '1mb' })),
      'behind a parser of other content types': behind(express.urlencoded({ extended: false })),
      'behind express.json() that keeps the bytes': behind(express.json({ verify: keepBytes, limit: '1mb' })),
    },
    consumed: {
      'behind express.json()': behind(express.json()),
      'behind what reads the stream and leaves nothing': behind(swallow),
    },
  })

  it('uses what express.text() has kept', async () => {
    const receiver = createReceiver({ secrets: secret })
    await using server = await behind(express.text({ type: '*/*' }))(receiver)
    const body = JSON.stringify({ ...payloadOf('File.Create'), text: 'Grüße' })
    expect(await send(server, { body, headers: signedHeaders({ secret, body }) })).toMatchObject({
      status: 204,
    })
  })

  it('says which parser to come before', async () => {
    const receiver = createReceiver({ secrets: secret })
    await using server = await behind(express.json())(receiver)
    const body = JSON.stringify(payloadOf('File.Create'))
    const { text } = await send(server, { body, headers: signedHeaders({ secret, body }) })
    expect(JSON.parse(text).detail).toContain('before express.json()')
  })

  it('leaves it at that when somebody else has answered in the meantime', async () => {
    const receiver = createReceiver({ secrets: secret })
    const { promise, resolve } = Promise.withResolvers<void>()
    const hook = webhook(receiver)
    receiver.on('*', () => promise)
    const app = express()
    const done = Promise.withResolvers<void>()
    app.post('/hook', (request, response) => {
      setTimeout(() => response.status(503).end(), 20)
      hook(request, response).then(done.resolve, done.reject)
    })
    await using server = await serve(app)
    const body = JSON.stringify(payloadOf('File.Create'))
    expect(await send(server, { body, headers: signedHeaders({ secret, body }) })).toMatchObject({
      status: 503,
    })
    resolve()
    await done.promise
  })
})
