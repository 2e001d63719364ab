import { createHmac } from 'node:crypto'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { createReceiver } from '../../src/index.ts'
import { defineScheme, github, hmac, type SchemeDefinition } from '../../src/schemes.ts'

const definition: SchemeDefinition = {
  name: 'acme',
  verify: hmac({ secret: 'acme-secret', header: 'x-acme-signature', hash: 'SHA-512' }),
  event: ({ headers, payload }) => ({
    id: headers.get('x-acme-delivery'),
    type: headers.get('x-acme-event'),
    data: payload,
  }),
}

const body = '{"n":1}'
const headers = {
  'content-type': 'application/json',
  'x-acme-event': 'thing.made',
  'x-acme-signature': createHmac('sha512', 'acme-secret').update(body).digest('hex'),
}

function send(scheme: SchemeDefinition, init: RequestInit = { method: 'POST', headers, body }) {
  const receiver = createReceiver({ scheme: defineScheme(scheme) })
  const events: unknown[] = []
  receiver.on('thing.*', (event) => events.push(event))
  return receiver
    .handle(new Request('https://consumer.test/hook', init))
    .then(({ status }) => ({ status, events }))
}

describe('a scheme of your own', () => {
  it('takes ten lines', async () => {
    const { status, events } = await send(definition)
    expect(status).toBe(200)
    expect(events).toMatchObject([
      { type: 'thing.made', id: expect.stringMatching(/^sha256_[0-9a-f]{64}$/), data: { n: 1 } },
    ])
  })

  it.each([
    ['says no', () => false],
    ['says nothing', () => undefined as never],
    ['says neither', () => '' as never],
  ])('believes nobody where verify %s', async (_what, verify) => {
    expect(await send({ ...definition, verify })).toEqual({ status: 401, events: [] })
  })

  it('may believe without more to say, and answer in its own way', async () => {
    const scheme = { ...definition, verify: () => true, acknowledgement: { status: 202, body: 'thanks' } }
    expect(await send(scheme)).toMatchObject({ status: 202, events: [{ type: 'thing.made' }] })
  })

  it.each([
    ['a proof that was signed by nobody', { 'x-acme-signature': '00' }, body, 401],
    [
      'another hash',
      { 'x-acme-signature': createHmac('sha256', 'acme-secret').update(body).digest('hex') },
      body,
      401,
    ],
    [
      'no JSON',
      { 'x-acme-signature': createHmac('sha512', 'acme-secret').update('{').digest('hex') },
      '{',
      400,
    ],
  ])('answers %s', async (_what, more, text, status) => {
    const init = { method: 'POST', headers: { ...headers, ...more }, body: text }
    expect((await send(definition, init)).status).toBe(status)
  })

  it('answers 500 where it fails itself, and tells nothing', async () => {
    const event = () => {
      throw new Error('the password is hunter2')
    }
    expect((await send({ ...definition, event })).status).toBe(500)
  })

  it.each([
    ['a name', { ...definition, name: '' }],
    ['verify', { ...definition, verify: 1 as never }],
    ['event', { ...definition, event: undefined as never }],
  ])('needs %s', (_what, given) => {
    expect(() => defineScheme(given)).toThrow(/^defineScheme: /)
  })

  it('refuses what is no scheme, and secrets beside one', () => {
    expect(() => createReceiver({ scheme: definition as never })).toThrow('options.scheme')
    const both = { scheme: defineScheme(definition), secrets: 'whsec_' } as never
    expect(() => createReceiver(both)).toThrow('options.secrets')
    expect(() => createReceiver({} as never)).toThrow('There is no secret')
  })
})

it('knows nothing of the data until it is told', () => {
  const register = () => {
    const receiver = createReceiver({ scheme: github({ secret: 's' }) })
    receiver.on('push', (event) => {
      expectTypeOf(event.type).toEqualTypeOf<'push'>()
      expectTypeOf(event.id).toEqualTypeOf<string>()
      expectTypeOf(event.data).toEqualTypeOf<unknown>()
    })
    receiver.on('issues.*', (event) => expectTypeOf(event.type).toEqualTypeOf<`issues.${string}`>())
    interface Events {
      push: { ref: string }
      'issues.opened': { issue: { number: number } }
    }
    const typed = createReceiver<Events>({ scheme: github({ secret: 's' }) })
    typed.on('push', (event) => expectTypeOf(event.data.ref).toEqualTypeOf<string>())
    typed.on('issues.*', (event) => expectTypeOf(event.data.issue.number).toEqualTypeOf<number>())
  }
  expectTypeOf(register).toBeFunction()
})
