import { expect, it } from 'vitest'
import { createReceiver, type HandshakeOptions } from '../src/index.ts'
import { request, secret } from './messages.ts'

async function ask(handshake: HandshakeOptions | undefined, headers: Record<string, string>) {
  const receiver = createReceiver({ secrets: secret, handshake })
  const response = await receiver.handle(
    new Request('https://consumer.test/hook', { method: 'OPTIONS', headers }),
  )
  const [origin, rate] = ['webhook-allowed-origin', 'webhook-allowed-rate'].map((name) =>
    response.headers.get(name),
  )
  return { status: response.status, origin, rate, allow: response.headers.get('allow') }
}

const origins = ['events.sender.example']

it.each([
  ['of the list', { origins }, 'Events.Sender.Example', 'Events.Sender.Example', '*'],
  [
    'that may send so much',
    { origins, requestsPerMinute: 60 },
    'events.sender.example',
    'events.sender.example',
    '60',
  ],
  ['where all may', { origins: '*' }, 'any.example', '*', '*'],
] as const)('allows a sender %s', async (_what, handshake, asked, origin, rate) => {
  const headers = { 'webhook-request-origin': asked, 'webhook-request-rate': '120' }
  expect(await ask(handshake, headers)).toEqual({ status: 200, origin, rate, allow: 'POST, OPTIONS' })
})

const refused = { status: 405, origin: null, rate: null, allow: 'POST' }

it.each([
  ['of no list', { origins }, { 'webhook-request-origin': 'sender.example' }],
  ['that does not say who it is', { origins: '*' }, {}],
  ['where nobody is asked', undefined, { 'webhook-request-origin': 'events.sender.example' }],
] as const)('does not allow a sender %s', async (_what, handshake, headers) => {
  expect(await ask(handshake, headers)).toEqual(refused)
})

it('goes on to believe nobody who does not sign', async () => {
  const receiver = createReceiver({ secrets: secret, handshake: { origins: '*' } })
  expect((await receiver.handle(request())).status).toBe(204)
  const headers = { 'webhook-request-origin': 'any.example', 'content-type': 'application/json' }
  const unsigned = new Request('https://consumer.test/', { method: 'POST', headers, body: '{"type":"a"}' })
  expect((await receiver.handle(unsigned)).status).toBe(401)
})

it.each([
  [{ origins: 'events.sender.example' }, 'handshake.origins'],
  [{ origins: ['a b'] }, 'handshake.origins'],
  [{ origins: new Array<string>(1) }, 'handshake.origins'],
  [{}, 'handshake.origins'],
  [{ origins, requestsPerMinute: 0 }, 'handshake.requestsPerMinute'],
])('names what is wrong in %j', (handshake, said) => {
  expect(() => createReceiver({ secrets: secret, handshake: handshake as never })).toThrow(`options.${said}`)
})
