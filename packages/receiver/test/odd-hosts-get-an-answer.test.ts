import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { createReceiver } from '../src/index.ts'
import { webhook as lambdaWebhook } from '../src/lambda.ts'
import { webhook } from '../src/node.ts'
import { signedHeaders } from '../src/testing.ts'
import { secret } from './messages.ts'

/** Posts a signed body in two pieces to a server that has touched the request first. */
async function post(touch: (request: import('node:http').IncomingMessage) => void) {
  const receiver = createReceiver({ secrets: secret })
  const codes: unknown[] = []
  receiver.onError((error) => void codes.push((error as { code?: unknown }).code))
  const handle = webhook(receiver)
  const server = createServer((request, response) => {
    touch(request)
    void handle(request, response)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const body = JSON.stringify({ type: 'File.Create', data: { text: 'ä'.repeat(200_000) } })
  const bytes = Buffer.from(body)
  const { port } = server.address() as AddressInfo
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const sent = httpRequest(
      { port, host: '127.0.0.1', method: 'POST', headers: { ...signedHeaders({ secret, body }) } },
      (response) => {
        response.resume()
        resolve(response.statusCode)
      },
    )
    sent.on('error', reject)
    sent.write(bytes.subarray(0, 100_001))
    sent.end(bytes.subarray(100_001))
  })
  await new Promise((resolve) => server.close(resolve))
  return { status, codes }
}

it('reads a request that was paused', async () => {
  expect(await post((request) => void request.pause())).toEqual({ status: 204, codes: [] })
})

it('says of a request whose bytes were decoded that somebody has read it', async () => {
  expect(await post((request) => void request.setEncoding('utf8'))).toEqual({
    status: 500,
    codes: ['body_consumed'],
  })
})

it.each([Object.create(null), { toString: 5 }])(
  'reports a handler that throws what has no text',
  async (thrown) => {
    const receiver = createReceiver({ secrets: secret })
    const reported: { code?: unknown; cause?: unknown }[] = []
    receiver.on('*', () => {
      throw thrown
    })
    receiver.onError((error) => void reported.push(error as object))
    const body = JSON.stringify({ type: 'File.Create', data: {} })
    const { status } = await receiver.receive({
      method: 'POST',
      headers: signedHeaders({ secret, body }),
      body,
    })
    expect(status).toBe(500)
    expect(reported[0]?.code).toBe('handlers_failed')
    expect(reported[0]?.cause).toBe(thrown)
  },
)

it.each([
  ['clock', { clock: {} }],
  ['clock', { clock: null }],
  ['schemas', { schemas: 5 }],
  [
    'schemas',
    { schemas: { 'File.*': { '~standard': { version: 1, vendor: 'x', validate: () => ({ value: 1 }) } } } },
  ],
])('refuses %s %j', (name, options) => {
  expect(() => createReceiver({ secrets: secret, ...(options as object) })).toThrow(
    expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(name) }),
  )
})

it('takes no message by a clock that gives no number', async () => {
  const clock = { now: () => Number.NaN, schedule: () => () => {} }
  const receiver = createReceiver({ secrets: secret, clock })
  const body = JSON.stringify({ type: 'File.Create', data: {} })
  const { status } = await receiver.receive({
    method: 'POST',
    headers: signedHeaders({ secret, body }),
    body,
  })
  expect(status).toBeGreaterThanOrEqual(500)
})

it.each([undefined, { headers: { a: 'b' }, method: 'POST' }])(
  'answers what is no Request: %j',
  async (given) => {
    const receiver = createReceiver({ secrets: secret })
    const reported: { message: string }[] = []
    receiver.onError((error) => void reported.push(error as Error))
    expect((await receiver.handle(given as never)).status).toBe(500)
    expect(reported[0]?.message).toContain('give it a Request of fetch')
  },
)

it('answers events of Lambda that are incomplete, and reads headers from wherever they are', async () => {
  const handler = lambdaWebhook(createReceiver({ secrets: secret }))
  const body = JSON.stringify({ type: 'File.Create', data: {} })
  const headers = { ...signedHeaders({ secret, body }) }
  const statusOf = async (event: unknown) => (await handler(event as never)).statusCode
  expect(await statusOf(null)).toBe(401)
  expect(await statusOf({ httpMethod: 'POST', requestContext: null, headers, body })).toBe(204)
  expect(await statusOf({ httpMethod: 'POST', multiValueHeaders: {}, headers, body })).toBe(204)
  const queryStringParameters = { a: '\ud800' }
  expect(await statusOf({ httpMethod: 'POST', path: '/', queryStringParameters, headers, body })).toBe(204)
})
