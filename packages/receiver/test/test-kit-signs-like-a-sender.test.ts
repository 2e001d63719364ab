import { generateKeyPair, generateSecret } from '@x/signature'
import { testConsumer } from '@x/testkit'
import { expect, it } from 'vitest'
import { createReceiver } from '../src/index.ts'
import { fakeClock, sendWebhook, signedHeaders, signedRequest } from '../src/testing.ts'

const payload = { type: 'File.Create', timestamp: '2026-11-24T08:00:00.000Z', data: { text: 'Grüße' } }

it('makes requests that a receiver accepts, each with an id of its own', async () => {
  const secret = generateSecret()
  const receiver = createReceiver({ secrets: secret })
  const ids: string[] = []
  receiver.on('File.Create', (event) => ids.push(event.id))
  for (const body of [payload, JSON.stringify(payload), Buffer.from(JSON.stringify(payload))]) {
    expect((await receiver.handle(signedRequest({ secret, body }))).status).toBe(204)
  }
  expect(new Set(ids).size).toBe(3)
})

it('signs with ed25519 too', async () => {
  const { privateKey, publicKey } = generateKeyPair()
  const receiver = createReceiver({ secrets: publicKey })
  expect((await receiver.handle(signedRequest({ secret: privateKey, body: payload }))).status).toBe(204)
})

it('signs at the time and under the id that it is told', () => {
  const headers = signedHeaders({
    secret: generateSecret(),
    id: 'evt_1',
    timestamp: new Date(1_790_000_000_999),
    body: payload,
  })
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'webhook-id': 'evt_1',
    'webhook-timestamp': '1790000000',
  })
})

it('sends over the network', async () => {
  await using consumer = await testConsumer()
  const secret = generateSecret()
  expect((await sendWebhook(consumer.url, { secret, body: payload })).status).toBe(204)
  const [request] = consumer.requests
  const receiver = createReceiver({ secrets: secret })
  expect(await receiver.verify(request?.rawBody ?? '', request?.headers as never)).toMatchObject(payload)
})

it('moves the time by hand', () => {
  const clock = fakeClock(1_000)
  const calls: number[] = []
  clock.schedule(() => calls.push(clock.now()), 300)
  clock.schedule(() => calls.push(clock.now()), 100)
  clock.schedule(() => calls.push(clock.now()), 200)()
  clock.advance(99)
  expect([calls, clock.now()]).toEqual([[], 1_099])
  clock.advance(1_000)
  expect([calls, clock.now()]).toEqual([[1_100, 1_300], 2_099])
})
