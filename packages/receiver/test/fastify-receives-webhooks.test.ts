import { buffer } from 'node:stream/consumers'
import fastify, { type FastifyInstance } from 'fastify'
import { expect, it } from 'vitest'
import { type MountedReceiver, webhook } from '../src/fastify.ts'
import { createReceiver } from '../src/index.ts'
import { signedHeaders } from '../src/testing.ts'
import { adapterContract } from './adapter-contract.ts'
import { payloadOf, secret } from './messages.ts'
import { send, type TestServer, testServer } from './socket.ts'

async function start(
  receiver: MountedReceiver,
  prepare = (_app: FastifyInstance) => {},
): Promise<TestServer> {
  const app = fastify()
  prepare(app)
  app.post('/orders', async (request) => request.body)
  app.register(webhook(receiver), { prefix: '/hook' })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return testServer(app.server, () => app.close())
}

adapterContract('webhook(receiver) of Fastify', {
  start: (receiver) => start(receiver),
  consumed: {
    'behind a preParsing hook that reads the body': (receiver) =>
      start(receiver, (app) => {
        app.addHook('preParsing', async (_request, _reply, payload) => {
          await buffer(payload)
          return payload
        })
      }),
  },
})

it('leaves the parsers of the rest of the application alone', async () => {
  const receiver = createReceiver({ secrets: secret })
  await using server = await start(receiver)
  const answer = await fetch(`http://127.0.0.1:${server.port}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"a":1}',
  })
  expect(await answer.json()).toEqual({ a: 1 })
})

it("has the receiver's limit, not Fastify's", async () => {
  const receiver = createReceiver({ secrets: secret, maxBodyBytes: 3_000_000 })
  await using server = await start(receiver)
  const body = JSON.stringify({ ...payloadOf('File.Create'), text: 'x'.repeat(2_000_000) })
  expect(await send(server, { body, headers: signedHeaders({ secret, body }) })).toMatchObject({
    status: 204,
  })
})
