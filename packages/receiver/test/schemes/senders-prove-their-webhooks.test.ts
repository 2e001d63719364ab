import { describe, expect, it } from 'vitest'
import { createReceiver, memoryReplayStore, type ReceiverErrorContext } from '../../src/index.ts'
import { github, type WebhookScheme } from '../../src/schemes.ts'
import { fakeClock } from '../../src/testing.ts'
import { NOW, SENDERS, type SenderCase } from './senders.ts'

function receive(one: SenderCase, scheme: WebhookScheme = one.scheme) {
  const clock = fakeClock(one.now ?? NOW)
  const receiver = createReceiver({ scheme, clock, replayStore: memoryReplayStore() })
  const events: { id: string; type: string; data: unknown; timestamp: string }[] = []
  const errors: (ReceiverErrorContext & { code: unknown })[] = []
  receiver.on('*', (event) => events.push(event))
  receiver.onError((error, context) => errors.push({ ...context, code: Object(error).code }))
  const send = (more: Partial<Pick<SenderCase, 'headers' | 'body'>> = {}) => {
    const { headers, body } = { ...one, ...more }
    const url = new URL(one.url ?? '/hook', 'https://consumer.test')
    return receiver.handle(new Request(url, { method: 'POST', headers, body }))
  }
  return { receiver, events, errors, send, clock }
}

describe.each(Object.entries(SENDERS))('%s', (_name, one) => {
  it(`is believed, against ${one.oracle}`, async () => {
    const { events, errors, send } = receive(one)
    const response = await send()
    expect([response.status, await response.text(), errors]).toEqual([200, '', []])
    expect(events).toMatchObject(one.events)
    for (const { id, data, timestamp } of events) {
      expect(id).toMatch(/^[!-~]{1,256}$/)
      expect(typeof data).toBe('object')
      expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/)
    }
  })

  it('runs no handler again for what is sent again', async () => {
    const { events, send } = receive(one)
    expect([(await send()).status, (await send()).status]).toEqual([200, 200])
    expect(events).toHaveLength(one.events.length)
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
  })

  it('is not believed with another secret, and is told nothing', async () => {
    const { events, errors, send } = receive(one, one.stranger)
    const response = await send()
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ code: 'unverified' })
    expect(events).toEqual([])
    expect(errors).toMatchObject([
      { code: expect.stringMatching(/^(?:no_matching_signature|missing_header)$/) },
    ])
  })

  it('is not believed without what proves it', async () => {
    const proofs = /signature|hmac|webhook-|token|authorization|x-key|x-api-key|x-trello/
    const headers = Object.fromEntries(Object.entries(one.headers).filter(([name]) => !proofs.test(name)))
    const { events, send } = receive({ ...one, url: '/hook', headers })
    expect((await send()).status).toBe(401)
    expect(events).toEqual([])
  })

  it.runIf(one.signsBody !== false)('is not believed when one letter of the body is another', async () => {
    const { events, send } = receive(one)
    expect((await send({ body: one.body.replace(/[a-z](?=[^a-z]*$)/, 'Z') })).status).toBe(401)
    expect((await send({ body: `${one.body} ` })).status).toBe(401)
    expect(events).toEqual([])
  })
})

const SIGNED_TIMES = Object.entries(SENDERS).filter(([name]) =>
  /^(?:stripe|slack|zendesk|linear|clerk|gitlab)$/.test(name),
)

it.each(SIGNED_TIMES)('%s is not believed long after it was signed', async (_name, one) => {
  const now = one.now ?? NOW
  for (const [time, code] of [
    [now + 301_000, 'timestamp_too_old'],
    [now - 302_000, 'timestamp_too_new'],
  ] as const) {
    const { events, errors, send } = receive({ ...one, now: time })
    expect((await send()).status).toBe(401)
    expect([events, errors]).toMatchObject([[], [{ code }]])
  }
})

it.each(Object.entries(SENDERS))('%s has to send what it sends', async (_name, one) => {
  const { send } = receive(one)
  expect((await send({ headers: { ...one.headers, 'content-type': 'text/plain' } })).status).toBe(415)
  const { receiver } = receive(one)
  expect((await receiver.handle(new Request('https://consumer.test/', { method: 'PUT' }))).status).toBe(405)
})

const sealed = () => {
  throw new Error('the vault is sealed')
}

it.each([
  ['one of several', ['older', 'mysecret'], 200],
  ['none that fits', ['older', 'other'], 401],
  ['a function', () => 'mysecret', 200],
  ['a function that knows of none', async () => [], 401],
  ['a function that fails', sealed, 500],
])('takes %s for the secret', async (_what, secret, status) => {
  const { headers, body } = SENDERS['github'] as SenderCase
  const receiver = createReceiver({ scheme: github({ secret }) })
  const request = new Request('https://consumer.test/', { method: 'POST', headers, body })
  const response = await receiver.handle(request)
  expect([response.status, await response.text()]).toEqual([status, expect.not.stringContaining('vault')])
})

it('needs a secret', () => {
  expect(() => github({ secret: [] })).toThrow('At least one is needed')
})

it.each([
  ['', 'is empty'],
  [' \n', 'is empty'],
  ['undefined', 'missing value'],
  ['secret\n', 'white space'],
  [undefined, 'undefined'],
  [42, 'number'],
])('takes no %j for a secret, and never shows one', (secret, said) => {
  expect(() => github({ secret: secret as never })).toThrow(said)
})

it('hands out one event to code that answers by itself', async () => {
  const one = SENDERS['github'] as SenderCase
  const { receiver } = receive(one)
  expect(await receiver.verify(one.body, one.headers)).toMatchObject({ type: 'issues.opened' })
  await expect(receiver.verify(`${one.body} `, one.headers)).rejects.toMatchObject({
    code: 'no_matching_signature',
  })
  expect(() => receiver.verifySync(one.body, one.headers)).toThrow('await receiver.verify')
  const pusher = SENDERS['pusher'] as SenderCase
  await expect(receive(pusher).receiver.verify(pusher.body, pusher.headers)).rejects.toMatchObject({
    code: 'invalid_body',
  })
})
