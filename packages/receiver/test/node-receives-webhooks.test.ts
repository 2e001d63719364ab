import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import fastify from 'fastify'
import { expect, it } from 'vitest'
import { webhook as fastifyWebhook } from '../src/fastify.ts'
import { createReceiver } from '../src/index.ts'
import { webhook } from '../src/node.ts'
import { signedHeaders } from '../src/testing.ts'
import { adapterContract, type StartServer } from './adapter-contract.ts'
import { payloadOf, secret } from './messages.ts'
import { serve } from './socket.ts'

const readFirst: StartServer = (receiver) => {
  const hook = webhook(receiver)
  const listener: RequestListener = async (request, response) => {
    for await (const _ of request); // as a logger of bodies would
    await hook(request, response)
  }
  return serve(listener)
}

adapterContract('webhook(receiver) of node:http', {
  start: (receiver) => serve(webhook(receiver)),
  consumed: { 'behind what reads the body': readFirst },
})

async function postOverHttp2(port: number, body: string): Promise<[status: number, code?: string]> {
  const session = connect(`http://127.0.0.1:${port}`)
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/hook',
      ...signedHeaders({ secret, body }),
    })
    stream.end(body)
    const [headers] = await once(stream, 'response')
    const answer = await text(stream)
    return answer === '' ? [headers[':status']] : [headers[':status'], JSON.parse(answer).code]
  } finally {
    session.destroy()
  }
}

const body = JSON.stringify(payloadOf('File.Create'))
const receiver = createReceiver({ secrets: secret, maxBodyBytes: 1000 })

it('receives over HTTP/2', async () => {
  const server = createServer(webhook(receiver)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  expect(await postOverHttp2(port, body)).toEqual([204])
  expect(await postOverHttp2(port, body.padEnd(1001))).toEqual([413, 'body_too_large'])
  server.close()
})

it('receives over HTTP/2 in Fastify', async () => {
  const app = fastify({ http2: true })
  app.register(fastifyWebhook(receiver), { prefix: '/hook' })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  expect(await postOverHttp2(port, body)).toEqual([204])
  expect(await postOverHttp2(port, body.padEnd(1001))).toEqual([413, 'body_too_large'])
  await app.close()
})
