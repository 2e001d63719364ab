import { manualClock, waitFor } from '@x/testkit'
import { afterEach, expect, it, vi } from 'vitest'
import { createReceiver, memorySequenceStore, type ReceiverOptions } from '../../src/index.ts'
import { secret } from '../messages.ts'
import { inputOf, KEY, MESSAGES_URL, numberedSender } from './numbered-sender.ts'

const source = { url: MESSAGES_URL, key: KEY }
const DAY_MS = 86_400_000

afterEach(() => void vi.unstubAllGlobals())

function open(sequence: Partial<ReceiverOptions['sequence']>) {
  const clock = manualClock(Date.now())
  const sender = numberedSender({ now: () => clock.now() })
  const receiver = createReceiver({
    secrets: secret,
    clock,
    sequence: { store: memorySequenceStore(), ...sequence },
  })
  const handled: string[] = []
  const errors: unknown[] = []
  receiver.on('*', ({ id }) => void handled.push(id))
  receiver.onError((error) => errors.push(error))
  const statusOf = async (message: Parameters<typeof inputOf>[0]) =>
    (await receiver.receive(inputOf(message, { now: () => clock.now() }))).status
  return { clock, sender, receiver, handled, errors, statusOf }
}

it.each(['any', 'sequence'] as const)(
  'fetches what came to be missing after the last page of a run was read (order: %s)',
  async (order) => {
    const { clock, sender, receiver, handled, statusOf } = open({ order, catchUp: source })
    const first = sender.send()
    const lastIsHandled = Promise.withResolvers<void>()
    vi.stubGlobal('fetch', sender.fetch)
    // Its one page is read, and its message still in work.
    let isAtWork = false
    receiver.on('*', async ({ id }) => {
      if (id !== first.id) return
      isAtWork = true
      await lastIsHandled.promise
    })
    const running = receiver.catchUp(source)
    await waitFor(() => isAtWork, 'the message of the page')
    // One more is dropped on its way, and the one after it arrives.
    const dropped = sender.send()
    const arrived = sender.send()
    const status = statusOf(arrived)
    expect(await status).toBe(order === 'any' ? 204 : 409)
    await clock.advance(1_000)
    lastIsHandled.resolve()
    await running
    await waitFor(() => handled.includes(dropped.id), 'what was dropped')
    await waitFor(() => receiver.sequences()[0]?.sequence === 3, 'the one after it')
    expect(handled.toSorted()).toEqual(sender.messages.map(({ id }) => id).toSorted())
  },
)

it('has callers who come while a run is under way share the next one', async () => {
  const { sender, receiver, handled } = open({})
  const first = sender.send()
  const gate = Promise.withResolvers<void>()
  receiver.on('*', () => gate.promise)
  const fetch = sender.fetch
  const running = receiver.catchUp({ ...source, fetch })
  await waitFor(() => handled.includes(first.id), 'the first message')
  sender.send()
  const others = [1, 2, 3].map(() => receiver.catchUp({ ...source, fetch }))
  expect(sender.asked).toHaveLength(1)
  gate.resolve()
  expect(await running).toMatchObject({ received: 1, sequence: 1 })
  for (const other of others) expect(await other).toMatchObject({ received: 1, sequence: 2 })
  expect(sender.asked).toHaveLength(2)
})

it('runs after one that has failed', async () => {
  const { sender, receiver } = open({})
  sender.send()
  const failing = receiver.catchUp({ ...source, fetch: async () => new Response('{}', { status: 500 }) })
  const next = receiver.catchUp({ ...source, fetch: sender.fetch })
  await expect(failing).rejects.toMatchObject({ code: 'catch_up_failed' })
  expect(await next).toMatchObject({ received: 1, sequence: 1 })
})

it.each([
  {
    what: 'throws',
    fail: () => {
      throw new Error('no tenant yet')
    },
    told: ['no tenant yet', 'no tenant yet'],
  },
  { what: 'gives nothing', fail: () => undefined, told: [] },
])('asks the host again whose function $what once, after the pauses', async ({ fail, told }) => {
  let asked = 0
  const catchUp = () => (++asked <= 2 ? fail() : source)
  const { clock, sender, handled, errors, statusOf } = open({ catchUp })
  vi.stubGlobal('fetch', sender.fetch)
  const [first, second, third] = [sender.send(), sender.send(), sender.send()]
  expect([await statusOf(first), await statusOf(third)]).toEqual([204, 204])
  for (const pauseMs of [2_000, 4_000]) {
    const before = asked
    await clock.advance(pauseMs - 1)
    await statusOf(third)
    await clock.advance(1)
    expect(asked, 'before its pause is over').toBe(before)
    await statusOf(third)
    expect(asked).toBe(before + 1)
  }
  await clock.advance(1_000)
  await waitFor(() => handled.includes(second.id), 'what was missing')
  expect(errors.map((error) => (error as Error).message)).toEqual(told)
  await clock.advance(DAY_MS)
  await statusOf(sender.send())
  expect(asked).toBe(3)
})

it('asks for an endpoint that has no source every five minutes at the most', async () => {
  let asked = 0
  const { clock, sender, errors, statusOf } = open({
    catchUp: () => {
      asked += 1
      return undefined
    },
  })
  for (let minute = 0; minute < 60; minute++) {
    // There is another gap each time.
    sender.send()
    await statusOf(sender.send())
    await clock.advance(60_000)
  }
  expect([errors, asked > 10, asked <= 20]).toEqual([[], true, true])
})

it('tries again after a pause, though the clock was set back', async () => {
  let isFailing = true
  const { clock, sender, handled, errors, statusOf } = open({ catchUp: source })
  vi.stubGlobal('fetch', async (...parameters: Parameters<typeof fetch>) =>
    isFailing ? new Response('{}', { status: 500 }) : sender.fetch(...parameters),
  )
  const [first, second, third] = [sender.send(), sender.send(), sender.send()]
  await statusOf(first)
  await statusOf(third)
  await clock.advance(1_000)
  await waitFor(() => errors.length === 1, 'the failure')
  isFailing = false
  await clock.jump(-DAY_MS)
  await statusOf(third)
  await clock.advance(2_000)
  await statusOf(third)
  await clock.advance(1_000)
  await waitFor(() => handled.includes(second.id), 'what was missing')
})
