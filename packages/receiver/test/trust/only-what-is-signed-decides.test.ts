import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createReceiver } from '../../src/index.ts'
import { signedHeaders } from '../../src/testing.ts'
import { payloadOf, secret } from '../messages.ts'

const ce = {
  'ce-specversion': '1.0',
  'ce-id': 'evt_other',
  'ce-source': '/tenants/2',
  'ce-type': 'User.Delete',
  'ce-time': '2001-01-01T00:00:00Z',
  'ce-entityname': 'User',
}

function post(body: unknown, more: Record<string, string>, url = 'https://consumer.test/hook'): Request {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const headers = { ...signedHeaders({ secret, id: 'evt_1', body: text }), ...more }
  return new Request(url, { method: 'POST', headers, body: text })
}

async function seenOf(request: Request) {
  const receiver = createReceiver({ secrets: secret })
  const events: unknown[] = []
  const errors: unknown[] = []
  receiver.on('*', (event) => events.push(event))
  receiver.onError((error) => errors.push(error))
  const { status } = await receiver.handle(request)
  return { status, events, errors }
}

const bodies: [string, object][] = [
  ['an event', payloadOf('User.Login')],
  ['an event without data', { type: 'User.Login' }],
  ['an event whose data is null', { type: 'User.Login', data: null }],
  ['a CloudEvent without data', { specversion: '1.0', id: 'a', source: '/', type: 'User.Login' }],
  ['an event of another sender', { type: 'user.login', userId: 7 }],
]

describe('what a handler sees of', () => {
  it.each(bodies)('%s is what was signed, whatever headers of a CloudEvent say', async (_what, body) => {
    const plain = await seenOf(post(body, {}))
    expect(plain).toMatchObject({ status: 204, events: [{ ...body, id: 'evt_1' }] })
    expect(await seenOf(post(body, ce))).toEqual(plain)
  })

  it.each(bodies)('%s changes with no other header and no URL', async (_what, body) => {
    const plain = await seenOf(post(body, {}))
    const name = fc.constantFrom(
      ...['ce-type', 'ce-specversion', 'type', 'x-event-type', 'x-github-event', 'svix-id', 'svix-timestamp'],
      ...['content-encoding', 'x-http-method-override', 'traceparent', 'x-forwarded-host', 'accept', 'date'],
    )
    const headers = fc.dictionary(name, fc.constantFrom('User.Delete', '1.0', 'gzip', 'PUT', '1'))
    const type = fc.constantFrom(
      ...['application/json', 'application/json; charset=utf-16', 'application/json; charset=latin1'],
      ...[
        'application/cloudevents+json',
        'application/cloudevents-batch+json',
        'application/x.user.delete+json',
      ],
    )
    const query = fc.constantFrom('', '?type=User.Delete', '?id=evt_2&data[entityId]=9')
    await fc.assert(
      fc.asyncProperty(headers, type, query, async (more, contentType, search) => {
        const url = `https://consumer.test/hook${search}`
        expect(await seenOf(post(body, { ...more, 'content-type': contentType }, url))).toEqual(plain)
      }),
      { numRuns: 50 },
    )
  })
})

it('refuses a CloudEvent in binary mode, and says to its owner what may be done', async () => {
  const data = { entityName: 'User', entityId: 1, action: 'Delete' }
  const { status, events, errors } = await seenOf(post(data, ce))
  expect([status, events]).toEqual([400, []])
  expect(errors).toMatchObject([
    {
      code: 'invalid_body',
      message: expect.stringMatching(/binary mode.*structured.*trustUnsignedCloudEventHeaders/),
    },
  ])
  const receiver = createReceiver({ secrets: secret })
  const request = post(data, ce)
  await expect(receiver.verify(await request.text(), request.headers)).rejects.toMatchObject({
    code: 'invalid_body',
  })
})

it('verifies to the same event at once', async () => {
  const receiver = createReceiver({ secrets: secret })
  const request = post({ type: 'User.Login' }, ce)
  expect(receiver.verifySync(await request.text(), request.headers)).toEqual({
    type: 'User.Login',
    id: 'evt_1',
  })
})

it('takes true or false for whether such headers are trusted, and nothing that looks like it', () => {
  const create = () =>
    createReceiver({ secrets: secret, trustUnsignedCloudEventHeaders: 'yes' as unknown as boolean })
  expect(create).toThrow(/trustUnsignedCloudEventHeaders must be true or false; got "yes"/)
})
