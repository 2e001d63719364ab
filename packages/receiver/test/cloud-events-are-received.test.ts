import { expect, it } from 'vitest'
import { createReceiver, WebhookVerificationError } from '../src/index.ts'
import { signedHeaders, signedRequest } from '../src/testing.ts'
import { payloadOf, secret } from './messages.ts'

const data = { entityName: 'File', entityId: 12, action: 'Create' }
const attributes = {
  specversion: '1.0',
  id: 'evt_1',
  source: '/tenants/1',
  type: 'File.Create',
  time: '2026-11-24T08:00:00.000Z',
}
const trusting = { secrets: secret, trustUnsignedCloudEventHeaders: true }
const binary = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]))

function binaryRequest(body: unknown, headers: Record<string, string>): Request {
  const text = JSON.stringify(body)
  const signed = signedHeaders({ secret, id: 'evt_1', body: text })
  return new Request('https://consumer.test/hook', {
    method: 'POST',
    headers: { ...signed, ...headers },
    body: text,
  })
}

it('hands out a CloudEvent in structured mode as any other event', async () => {
  const receiver = createReceiver({ secrets: secret })
  const events: unknown[] = []
  receiver.on('File.Create', (event) => events.push(event))
  const request = signedRequest({ secret, id: 'evt_1', body: { ...attributes, data } })
  request.headers.set('content-type', 'application/cloudevents+json; charset=utf-8')
  expect((await receiver.handle(request)).status).toBe(204)
  expect(events).toEqual([{ ...attributes, timestamp: attributes.time, data }])
})

it('hands out a CloudEvent in binary mode, whose type and time are headers, when it is told to trust them', async () => {
  const receiver = createReceiver(trusting)
  const events: unknown[] = []
  receiver.on('File.Create', (event) => events.push(event))
  expect((await receiver.handle(binaryRequest(data, binary))).status).toBe(204)
  expect(events).toEqual([{ id: 'evt_1', type: 'File.Create', timestamp: attributes.time, data }])

  const other = binaryRequest({ type: 'pdf' }, { ...binary, 'ce-type': 'gr%C3%BCn' })
  expect(await receiver.verify(await other.text(), other.headers)).toEqual({
    id: 'evt_1',
    type: 'grün',
    timestamp: attributes.time,
    data: { type: 'pdf' },
  })
})

it('refuses a binary CloudEvent whose header contradicts what was signed, although it trusts headers', async () => {
  const receiver = createReceiver(trusting)
  const errors: unknown[] = []
  receiver.onError((error) => errors.push(error))
  const forged = binaryRequest(data, { ...binary, 'ce-type': 'File.Delete' })
  expect((await receiver.handle(forged)).status).toBe(400)
  expect(errors).toMatchObject([{ code: 'invalid_body' }])
  expect(errors[0]).toBeInstanceOf(WebhookVerificationError)
})

it.each([
  ['a body without a type', data, {}],
  ['half a CloudEvent', data, { 'ce-type': 'File.Create' }],
])('still refuses %s', async (_what, body, headers) => {
  const receiver = createReceiver(trusting)
  expect((await receiver.handle(binaryRequest(body, headers))).status).toBe(400)
})

it.each([
  ['a whole event', payloadOf('Page.Update')],
  ['a CloudEvent in structured mode without data', { ...attributes, type: 'Page.Update' }],
])('goes by the body where that is %s, whatever headers say', async (_what, body) => {
  const receiver = createReceiver(trusting)
  const types: string[] = []
  receiver.on('*', (event) => types.push(event.type))
  await receiver.handle(binaryRequest(body, binary))
  expect(types).toEqual(['Page.Update'])
})
