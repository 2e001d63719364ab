import { waitFor } from '@x/testkit'
import { expect, it, vi } from 'vitest'
import { createReceiver, memorySequenceStore, type SequenceStore } from '../../src/index.ts'
import { secret } from '../messages.ts'
import { ENDPOINT, inputOf, KEY, MESSAGES_URL, numberedSender } from './numbered-sender.ts'

const source = { url: MESSAGES_URL, key: KEY }

it.each(['any', 'sequence'] as const)('fetches again after a failure (order: %s)', async (order) => {
  const sender = numberedSender()
  const [first, second, third] = [sender.send(), sender.send(), sender.send()]
  let failures = 2
  vi.stubGlobal('fetch', async (...parameters: Parameters<typeof fetch>) =>
    failures-- > 0 ? new Response('{}', { status: 500 }) : sender.fetch(...parameters),
  )
  let now = Date.now()
  const clock = {
    now: () => now,
    schedule(callback: () => void) {
      const timer = setTimeout(callback, 1)
      return () => clearTimeout(timer)
    },
  }
  const receiver = createReceiver({
    secrets: secret,
    clock,
    sequence: { store: memorySequenceStore(), order, catchUp: source },
  })
  const handled: string[] = []
  const reported: unknown[] = []
  receiver.on('*', ({ id }) => void handled.push(id))
  receiver.onError((error) => void reported.push((error as { code?: unknown }).code))
  await receiver.receive(inputOf(first))
  await receiver.receive(inputOf(third))
  await waitFor(() => reported.length === 1, 'the first failure', 20_000)
  for (const pauseMs of [2_000, 4_000]) {
    const failed = reported.length
    now += pauseMs - 1
    await receiver.receive(inputOf(third))
    expect(reported.length).toBe(failed)
    now += 1
    await receiver.receive(inputOf(third))
    await waitFor(() => reported.length > failed || handled.includes(second.id), 'another try', 20_000)
  }
  await waitFor(() => handled.includes(third.id), 'the last', 20_000)
  expect(new Set(handled)).toEqual(new Set([first.id, second.id, third.id]))
  expect(reported).toEqual(['catch_up_failed', 'catch_up_failed'])
  vi.unstubAllGlobals()
})

it.each([
  ['a cursor that is no number', { messages: [], cursor: 'Infinity', hasMore: false }],
  ['a cursor with a fraction', { messages: [], cursor: '1.5', hasMore: false }],
])('refuses a page with %s, and loses nothing by it', async (_, page) => {
  const receiver = createReceiver({ secrets: secret, sequence: { store: memorySequenceStore() } })
  const lost: unknown[] = []
  receiver.onGap((notice) => void lost.push(notice))
  await expect(receiver.catchUp({ ...source, fetch: async () => Response.json(page) })).rejects.toMatchObject(
    { code: 'catch_up_failed' },
  )
  expect(lost).toEqual([])
})

it('believes no number of a page that is not the number of the message', async () => {
  const sender = numberedSender()
  const { id, ...message } = sender.send()
  const { headers, body } = inputOf({ id, ...message })
  const receiver = createReceiver({ secrets: secret, sequence: { store: memorySequenceStore() } })
  const notices: unknown[] = []
  let calls = 0
  receiver.on('*', () => void calls++)
  receiver.onGap((notice) => void notices.push(notice))
  const answer = async (sequence: number, more: object = {}) => {
    const messages = [{ id, sequence, headers: { ...headers, ...more }, body }]
    const page = { messages, cursor: String(sequence), hasMore: false }
    return receiver.catchUp({ ...source, fetch: async () => Response.json(page) })
  }
  await expect(answer(1_000)).rejects.toMatchObject({ code: 'catch_up_failed' })
  await expect(answer(1, { 'webhook-endpoint': 'ep_2' })).rejects.toMatchObject({ code: 'catch_up_failed' })
  expect({ calls, notices }).toEqual({ calls: 0, notices: [] })
  await answer(1)
  expect(calls).toBe(1)
})

it("begins with the sender's oldest message where it is to begin with the first", async () => {
  const sender = numberedSender()
  for (let count = 0; count < 5; count++) sender.send()
  sender.forget(4)
  const receiver = createReceiver({
    secrets: secret,
    sequence: { store: memorySequenceStore(), start: 'first' },
  })
  const notices: unknown[] = []
  receiver.onGap((notice) => void notices.push(notice))
  const { received, sequence } = await receiver.catchUp({ ...source, fetch: sender.fetch })
  expect({ received, sequence, notices }).toEqual({ received: 2, sequence: 5, notices: [] })
})

it('refuses a page whose headers are none', async () => {
  const { id, sequence, body } = numberedSender().send()
  const messages = [{ id, sequence, headers: { 'a b': '\u0000' }, body }]
  const receiver = createReceiver({ secrets: secret, sequence: { store: memorySequenceStore() } })
  const page = { messages, cursor: '1', hasMore: false }
  await expect(receiver.catchUp({ ...source, fetch: async () => Response.json(page) })).rejects.toMatchObject(
    { code: 'catch_up_failed' },
  )
})

it('ends a wait when it is aborted, and waits for each request anew', async () => {
  const aborting = new AbortController()
  const busy = async () => {
    setTimeout(() => aborting.abort(), 1)
    return new Response('{}', { status: 503, headers: { 'retry-after': '50' } })
  }
  const receiver = createReceiver({ secrets: secret, sequence: { store: memorySequenceStore() } })
  const begun = performance.now()
  const caughtUp = receiver.catchUp({ ...source, fetch: busy, signal: aborting.signal })
  await expect(caughtUp).rejects.toThrow('it was aborted')
  expect(performance.now() - begun).toBeLessThan(50_000)
})

it('reads what others have handled now and then, not for each message after a gap', async () => {
  const sender = numberedSender()
  const messages = Array.from({ length: 600 }, () => sender.send())
  const kept = memorySequenceStore()
  let marks = 0
  const store: SequenceStore = {
    ...kept,
    async marks(...parameters) {
      const found = await kept.marks(...parameters)
      marks += found.length
      return found
    },
  }
  const receiver = createReceiver({ secrets: secret, sequence: { store } })
  for (const message of messages) if (message.sequence !== 2) await receiver.receive(inputOf(message))
  expect(marks).toBeLessThan(3 * messages.length)
  expect(receiver.sequences().find(({ endpoint }) => endpoint === ENDPOINT)?.missing).toEqual([
    { from: 2, to: 2 },
  ])
  await receiver.receive(inputOf(messages[1] as (typeof messages)[number]))
  expect(receiver.sequences()[0]).toMatchObject({ sequence: 600, missing: [] })
})
