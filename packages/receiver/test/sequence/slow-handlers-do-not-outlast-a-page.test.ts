import { manualClock } from '@x/testkit'
import { expect, it } from 'vitest'
import { createReceiver, memorySequenceStore } from '../../src/index.ts'
import { secret } from '../messages.ts'
import { KEY, MESSAGES_URL, numberedSender } from './numbered-sender.ts'

interface Options {
  readonly toleranceSeconds?: number
  readonly senderIsAheadMs?: number
}

/** A receiver whose handlers take a while, and a sender that numbers for it: three messages a page. */
function open(handlerMs: number, { senderIsAheadMs = 0, ...options }: Options = {}) {
  const clock = manualClock(Date.now())
  const sender = numberedSender({ now: () => clock.now() + senderIsAheadMs })
  const receiver = createReceiver({
    secrets: secret,
    clock,
    sequence: { store: memorySequenceStore() },
    ...options,
  })
  const handled: string[] = []
  const errors: unknown[] = []
  receiver.on('*', async ({ id }) => {
    await clock.advance(handlerMs)
    handled.push(id)
  })
  receiver.onError((error) => errors.push(error))
  const catchUp = () => receiver.catchUp({ url: MESSAGES_URL, key: KEY, fetch: sender.fetch })
  const pages = () => sender.asked.map((url) => Number(new URL(url).searchParams.get('after')))
  return { clock, sender, receiver, handled, errors, catchUp, pages }
}

it.each([
  { handlerMs: 200_000, options: {}, pages: [0, 1, 2, 3] },
  { handlerMs: 31_000, options: {}, pages: [0, 2] },
  { handlerMs: 1_000, options: {}, pages: [0, 3] },
  { handlerMs: 6_000, options: { toleranceSeconds: 10 }, pages: [0, 1, 2, 3] },
])(
  'reads a page anew before its signatures are too old ($handlerMs ms each, $options)',
  async ({ handlerMs, options, pages }) => {
    const { sender, receiver, handled, errors, catchUp, ...rest } = open(handlerMs, options)
    for (let count = 0; count < 4; count++) sender.send()
    expect(await catchUp()).toMatchObject({ received: sender.messages.length })
    expect(handled).toEqual(sender.messages.map(({ id }) => id))
    expect([errors, rest.pages()]).toEqual([[], pages])
    expect(receiver.sequences()).toMatchObject([{ chain: sender.chain, missing: [] }])
  },
)

it('handles a message of each page, however long it takes to come', async () => {
  const { clock, sender, receiver, handled } = open(1_000)
  for (let count = 0; count < 4; count++) sender.send()
  let pages = 0
  const fetch: typeof globalThis.fetch = async (...parameters) => {
    pages += 1
    const response = await sender.fetch(...parameters)
    await clock.advance(61_000)
    return response
  }
  await receiver.catchUp({ url: MESSAGES_URL, key: KEY, fetch })
  expect([handled.length, pages]).toEqual([4, 4])
})

it.each([
  { senderIsAheadMs: 3_600_000, code: 'timestamp_too_new' },
  { senderIsAheadMs: -3_600_000, code: 'timestamp_too_old' },
])('still says so where a clock is wrong: $code', async ({ senderIsAheadMs, code }) => {
  const { sender, handled, errors, catchUp, pages } = open(1_000, { senderIsAheadMs })
  for (let count = 0; count < 4; count++) sender.send()
  await expect(catchUp()).rejects.toMatchObject({
    code: 'catch_up_failed',
    message: expect.stringMatching(/message 1 .* 401/),
  })
  expect([handled, pages()]).toEqual([[], [0]])
  expect(errors).toMatchObject([{ code, message: expect.stringContaining('Compare the clocks') }])
})
