import { readFileSync } from 'node:fs'
import { manualClock, waitFor } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import {
  createReceiver,
  memoryReplayStore,
  memorySequenceStore,
  type ReceiverOptions,
  type SequenceNotice,
} from '../../src/index.ts'
import { request, secret } from '../messages.ts'
import { ENDPOINT, inputOf, KEY, MESSAGES_URL, numberedSender } from './numbered-sender.ts'

function open(sequence: Partial<ReceiverOptions['sequence']> = {}, more: Partial<ReceiverOptions> = {}) {
  const receiver = createReceiver({
    secrets: secret,
    sequence: { store: memorySequenceStore(), ...sequence },
    ...more,
  })
  const notices: SequenceNotice[] = []
  const handled: string[] = []
  const errors: unknown[] = []
  receiver.onGap((notice) => void notices.push(notice))
  receiver.on('*', ({ id }) => void handled.push(id))
  receiver.onError((error) => errors.push(error))
  const statusOf = async (input: Parameters<typeof receiver.receive>[0]) =>
    (await receiver.receive(input)).status
  return { receiver, notices, handled, errors, statusOf }
}

const catchUpOf = (sender: ReturnType<typeof numberedSender>) => ({
  url: MESSAGES_URL,
  key: KEY,
  fetch: sender.fetch,
})

it("accepts the specification's messages, and comes to the sender's chain", async () => {
  const file = new URL('../../../../docs/spec/sequence-vectors.json', import.meta.url)
  const vectors = JSON.parse(readFileSync(file, 'utf8'))
  const { receiver, notices, handled, statusOf } = open(
    {},
    { secrets: vectors.secret, toleranceSeconds: 10 ** 12 },
  )
  for (const { headers, body } of vectors.messages) expect(await statusOf({ headers, body })).toBe(204)
  expect([notices, handled]).toEqual([[], ['evt_1', 'evt_2', 'evt_3']])
  expect(receiver.sequences()).toMatchObject([
    { endpoint: vectors.endpoint, sequence: 3, chain: vectors.messages[2].headers['webhook-chain'] },
  ])
})

it('tells what is missing, what is late, and what comes again', async () => {
  const sender = numberedSender()
  const [one, two, three, four] = Array.from({ length: 4 }, () => sender.send())
  const { receiver, notices, handled, statusOf } = open()
  expect(await statusOf(inputOf(one as never))).toBe(204)
  expect(await statusOf(inputOf(four as never))).toBe(204)
  expect(notices).toEqual([{ kind: 'gap', endpoint: ENDPOINT, from: 2, to: 3 }])
  expect(receiver.sequences()).toMatchObject([
    { sequence: 1, highest: 4, missing: [{ from: 2, to: 3 }], counts: { gap: 2 } },
  ])
  expect(await statusOf(inputOf(three as never))).toBe(204)
  expect(await statusOf(inputOf(four as never))).toBe(200)
  expect(await statusOf(inputOf(two as never))).toBe(204)
  expect(notices.slice(1)).toEqual([
    { kind: 'reordered', endpoint: ENDPOINT, sequence: 3, id: three?.id },
    { kind: 'repeat', endpoint: ENDPOINT, sequence: 4, id: four?.id },
    { kind: 'reordered', endpoint: ENDPOINT, sequence: 2, id: two?.id },
  ])
  expect(handled).toEqual([one?.id, four?.id, three?.id, two?.id])
  expect(receiver.sequences()).toMatchObject([
    { sequence: 4, chain: sender.chain, missing: [], counts: { gap: 2, reordered: 2, repeat: 1 } },
  ])
})

it('tells a fork: a number that was given twice, or a hash that does not follow', async () => {
  const sender = numberedSender()
  const { receiver, notices, handled, statusOf } = open()
  for (let count = 0; count < 3; count++) await statusOf(inputOf(sender.send()))
  // As if restored from a copy that lacks the last one.
  sender.restore(2)
  const again = sender.send()
  const next = sender.send()
  await statusOf(inputOf(again))
  await statusOf(inputOf(next))
  await statusOf(inputOf(sender.send()))
  expect(notices).toEqual([
    { kind: 'fork', endpoint: ENDPOINT, sequence: 3, id: again.id },
    { kind: 'fork', endpoint: ENDPOINT, sequence: 4, id: next.id },
  ])
  expect(handled).toHaveLength(6)
  expect(receiver.sequences()).toMatchObject([{ sequence: 5, chain: sender.chain }])
})

it("does not believe a number that is not the sender's", async () => {
  const sender = numberedSender()
  const one = inputOf(sender.send())
  const two = inputOf(sender.send())
  const { notices, handled, errors, statusOf } = open()
  const changed: Record<string, string>[] = [
    { 'webhook-sequence': '2' },
    { 'webhook-endpoint': 'ep_2' },
    { 'webhook-chain': two.headers['webhook-chain'] as string },
    { 'webhook-sequence-signature': two.headers['webhook-sequence-signature'] as string },
    { 'webhook-sequence-signature': one.headers['webhook-signature'] as string },
    { 'webhook-sequence': '01' },
    { 'webhook-chain': 'abc' },
    { 'webhook-endpoint': 'e'.repeat(201) },
    // The place of one message with the body of another, by the headers that Svix uses.
    {
      ...two.headers,
      'svix-id': one.headers['webhook-id'] as string,
      'svix-timestamp': one.headers['webhook-timestamp'] as string,
      'svix-signature': one.headers['webhook-signature'] as string,
    },
  ]
  for (const headers of changed)
    expect(await statusOf({ ...one, headers: { ...one.headers, ...headers } })).toBe(401)
  const { 'webhook-chain': _, ...without } = one.headers
  expect(await statusOf({ ...one, headers: without })).toBe(401)
  expect([notices, handled, errors.length]).toEqual([[], [], changed.length + 1])
  // Nor is the signature of the place that of a message.
  const text = `sequence.${ENDPOINT}.1.${one.headers['webhook-chain']}`
  const forged = {
    'content-type': 'application/json',
    'webhook-id': one.headers['webhook-id'] as string,
    'webhook-timestamp': one.headers['webhook-timestamp'] as string,
    'webhook-signature': one.headers['webhook-sequence-signature'] as string,
  }
  expect(await statusOf({ headers: forged, body: text })).toBe(400)
})

it('handles and tells what has no number', async () => {
  const { receiver, notices, handled } = open()
  expect((await receiver.handle(request({ id: 'evt_plain' }))).status).toBe(204)
  expect([notices, handled]).toEqual([[{ kind: 'unnumbered', id: 'evt_plain' }], ['evt_plain']])
})

it('counts a message as received only when it was handled', async () => {
  const sender = numberedSender()
  const one = sender.send()
  const { receiver, statusOf } = open()
  let fails = true
  receiver.on('*', () => {
    if (fails) throw new Error('not now')
  })
  expect(await statusOf(inputOf(one))).toBe(500)
  expect(receiver.sequences()).toMatchObject([{ sequence: 0, highest: 0 }])
  fails = false
  expect(await statusOf(inputOf(one))).toBe(204)
  expect(receiver.sequences()).toMatchObject([{ sequence: 1, chain: sender.chain }])
})

it.each([
  { start: 1, told: [{ kind: 'gap', endpoint: ENDPOINT, from: 1, to: 4 }] },
  { start: 'first', told: [] },
  { start: 4, told: [{ kind: 'gap', endpoint: ENDPOINT, from: 4, to: 4 }] },
] as const)('begins where it is told to ($start)', async ({ start, told }) => {
  const sender = numberedSender()
  for (let count = 0; count < 4; count++) sender.send()
  const { notices, statusOf } = open({ start })
  expect(await statusOf(inputOf(sender.send()))).toBe(204)
  expect(await statusOf(inputOf(sender.send()))).toBe(204)
  expect(notices).toEqual(told)
})

describe('order', () => {
  it('lets nothing through before its turn', async () => {
    const sender = numberedSender()
    const [one, two, three] = [sender.send(), sender.send(), sender.send()]
    const { notices, handled, statusOf } = open({ order: 'sequence' }, { replayStore: memoryReplayStore() })
    expect(await statusOf(inputOf(three))).toBe(409)
    expect(await statusOf(inputOf(two))).toBe(409)
    expect(await statusOf(inputOf(one))).toBe(204)
    expect(await statusOf(inputOf(one))).toBe(200)
    expect(await statusOf(inputOf(two))).toBe(204)
    expect(await statusOf(inputOf(three))).toBe(204)
    expect(handled).toEqual([one.id, two.id, three.id])
    expect(notices[0]).toEqual({ kind: 'gap', endpoint: ENDPOINT, from: 1, to: 2 })
  })

  it('fetches what comes before, where it knows from where', async () => {
    const sender = numberedSender()
    for (let count = 0; count < 7; count++) sender.send()
    const real = globalThis.fetch
    globalThis.fetch = sender.fetch
    try {
      const { receiver, handled, statusOf } = open({
        order: 'sequence',
        catchUp: (endpoint) => (endpoint === ENDPOINT ? { url: MESSAGES_URL, key: KEY } : undefined),
      })
      expect(await statusOf(inputOf(sender.messages[6] as never))).toBe(409)
      await waitFor(() => receiver.sequences()[0]?.sequence === 7, 'the rest to be fetched')
      expect(handled).toEqual(sender.messages.map(({ id }) => id))
    } finally {
      globalThis.fetch = real
    }
  })
})

describe('catchUp', () => {
  it('fetches what is missing, and has it handled once and in order', async () => {
    const sender = numberedSender()
    const { receiver, notices, handled, statusOf } = open()
    for (let count = 1; count <= 11; count++) {
      const message = sender.send()
      if ([1, 5, 6, 11].includes(count)) await statusOf(inputOf(message))
    }
    expect(await receiver.catchUp(catchUpOf(sender))).toEqual({
      endpoint: ENDPOINT,
      received: 7,
      sequence: 11,
    })
    expect([...handled].sort()).toEqual(sender.messages.map(({ id }) => id).sort())
    expect(notices.filter(({ kind }) => kind === 'repeat' || kind === 'fork')).toEqual([])
    expect(receiver.sequences()).toMatchObject([{ sequence: 11, chain: sender.chain, missing: [] }])
    expect(await receiver.catchUp(catchUpOf(sender))).toMatchObject({ received: 0 })
    // Also what was dropped at the end.
    sender.send()
    const { url, ...rest } = catchUpOf(sender)
    const base = { ...rest, url: url.replace(/\/endpoints.*/, ''), endpoint: ENDPOINT }
    const [first, second] = await Promise.all([receiver.catchUp(base), receiver.catchUp(base)])
    expect([first, second]).toEqual([
      { endpoint: ENDPOINT, received: 1, sequence: 12 },
      { endpoint: ENDPOINT, received: 0, sequence: 12 },
    ])
  })

  it('tells what the sender has no longer, and goes on after it', async () => {
    const sender = numberedSender()
    for (let count = 0; count < 9; count++) sender.send()
    const { receiver, notices, handled, statusOf } = open()
    await statusOf(inputOf(sender.messages[0] as never))
    await statusOf(inputOf(sender.messages[2] as never))
    sender.forget(6)
    expect(await receiver.catchUp(catchUpOf(sender))).toMatchObject({ received: 4, sequence: 9 })
    expect(notices.filter(({ kind }) => kind === 'lost')).toEqual([
      { kind: 'lost', endpoint: ENDPOINT, from: 2, to: 2 },
      { kind: 'lost', endpoint: ENDPOINT, from: 4, to: 5 },
    ])
    expect(handled).toHaveLength(6)
    expect(receiver.sequences()).toMatchObject([{ sequence: 9, chain: sender.chain }])
  })

  it('stops at what is not handled, and says why', async () => {
    const sender = numberedSender()
    for (let count = 0; count < 3; count++) sender.send()
    const { receiver } = open()
    const off = receiver.on('*', ({ id }) => {
      if (id === sender.messages[1]?.id) throw new Error('not now')
    })
    await expect(receiver.catchUp(catchUpOf(sender))).rejects.toMatchObject({
      code: 'catch_up_failed',
      message: expect.stringContaining('message 2'),
    })
    expect(receiver.sequences()).toMatchObject([{ sequence: 1 }])
    off()
    expect(await receiver.catchUp(catchUpOf(sender))).toMatchObject({ sequence: 3 })
    await expect(receiver.catchUp({ ...catchUpOf(sender), key: 'whk_other' })).rejects.toMatchObject({
      code: 'catch_up_failed',
      message: expect.stringContaining('401: The key is not known.'),
    })
    const nobody = { ...catchUpOf(sender), fetch: () => Promise.reject(new Error('refused')) }
    await expect(receiver.catchUp(nobody)).rejects.toMatchObject({ code: 'catch_up_failed' })
    const page = { ...catchUpOf(sender), fetch: async () => new Response('<html>') }
    await expect(receiver.catchUp(page)).rejects.toThrow('something else than messages')
  })

  it('waits as long as the sender says, where that is asked too often', async () => {
    const clock = manualClock(Date.now())
    const sender = numberedSender()
    sender.send()
    const { receiver } = open({}, { clock })
    let calls = 0
    const fetch: typeof globalThis.fetch = async (...of) => {
      if (++calls === 1) return new Response('{}', { status: 429, headers: { 'retry-after': '7' } })
      return sender.fetch(...of)
    }
    const caughtUp = receiver.catchUp({ ...catchUpOf(sender), fetch })
    await waitFor(() => calls === 1, 'the first request')
    await waitFor(async () => {
      await clock.advance(1_000)
      return calls === 2
    }, 'the second request')
    expect(await caughtUp).toMatchObject({ sequence: 1 })
  })

  it('runs by itself a while after a gap was found', async () => {
    const clock = manualClock(Date.now())
    const sender = numberedSender()
    for (let count = 0; count < 3; count++) sender.send()
    const real = globalThis.fetch
    globalThis.fetch = sender.fetch
    try {
      const { receiver, statusOf } = open({ catchUp: { url: MESSAGES_URL, key: KEY } }, { clock })
      await statusOf(inputOf(sender.messages[2] as never))
      expect(sender.asked).toEqual([])
      await waitFor(async () => {
        await clock.advance(100)
        return receiver.sequences()[0]?.sequence === 3
      }, 'what is missing')
    } finally {
      globalThis.fetch = real
    }
  })

  it.each([
    [{ key: KEY }, 'url'],
    [{ url: MESSAGES_URL }, 'key'],
    [{ url: MESSAGES_URL, key: KEY, endpoint: 'ep_2' }, 'url'],
    [{ url: 'https://sender.test/events', key: KEY }, 'url'],
    [{ url: 'ftp://sender.test/endpoints/ep_1/messages', key: KEY }, 'url'],
    [{ url: MESSAGES_URL, key: 'a\nb' }, 'key'],
  ])('refuses %j, and names %s', async (options, name) => {
    await expect(open().receiver.catchUp(options as never)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(name),
    })
  })
})

it('is refused where it cannot be: without a store, beside a scheme, with options of another kind', () => {
  const create = (options: object) => () => createReceiver({ secrets: secret, ...options } as never)
  const store = memorySequenceStore()
  expect(create({ sequence: {} })).toThrow('sequence.store')
  expect(create({ sequence: true })).toThrow('sequence')
  expect(create({ sequence: { store, order: 'any order' } })).toThrow('sequence.order')
  expect(create({ sequence: { store, start: 0 } })).toThrow('sequence.start')
  expect(create({ sequence: { store, catchUp: { url: 'nowhere', key: KEY } } })).toThrow('sequence.catchUp')
  const plain = createReceiver({ secrets: secret })
  expect(() => plain.onGap(() => {})).toThrow('options.sequence')
  expect(plain.sequences()).toEqual([])
  return expect(plain.catchUp({ url: MESSAGES_URL, key: KEY })).rejects.toThrow('options.sequence')
})
