import { describe, expect, it } from 'vitest'
import { createReceiver, generateSecret, memoryReplayStore, type ReplayStore } from '../src/index.ts'
import { request, secret } from './messages.ts'

function receiverWith(replayStore: ReplayStore, handler: () => unknown) {
  const receiver = createReceiver({ secrets: secret, replayStore })
  const errors: unknown[] = []
  receiver.on('*', handler)
  receiver.onError((error) => errors.push(error))
  const statusOf = async (id: string) => (await receiver.handle(request({ id }))).status
  return { receiver, errors, statusOf }
}

describe('a receiver with a replay store', () => {
  it('acknowledges a message that it has handled, without handling it again', async () => {
    let calls = 0
    const { statusOf } = receiverWith(memoryReplayStore(), () => calls++)
    expect([await statusOf('evt_1'), await statusOf('evt_1'), await statusOf('evt_2')]).toEqual([
      204, 200, 204,
    ])
    expect(calls).toBe(2)
  })

  it('asks for patience while the message is being handled', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let calls = 0
    const { statusOf } = receiverWith(memoryReplayStore(), () => {
      calls++
      return promise
    })
    const first = statusOf('evt_1')
    while (calls === 0) await new Promise(setImmediate)
    expect(await statusOf('evt_1')).toBe(409)
    resolve()
    expect([await first, await statusOf('evt_1'), calls]).toEqual([204, 200, 1])
  })

  it('handles the next attempt after a handler failed', async () => {
    let calls = 0
    const { statusOf } = receiverWith(memoryReplayStore(), () => {
      if (++calls === 1) throw new Error('first')
    })
    expect([await statusOf('evt_1'), await statusOf('evt_1'), await statusOf('evt_1')]).toEqual([
      500, 204, 200,
    ])
    expect(calls).toBe(2)
  })

  it('lets go of a message that turned out to be no event', async () => {
    const replayStore = memoryReplayStore()
    const receiver = createReceiver({ secrets: secret, replayStore })
    expect((await receiver.handle(request({ id: 'evt_1', body: 'no json' }))).status).toBe(400)
    expect(await replayStore.begin('evt_1', 'another')).toBe('new')
  })

  it('does not let a forger use up ids', async () => {
    const { receiver, statusOf } = receiverWith(memoryReplayStore(), () => {})
    const forged = request({ id: 'evt_1', secret: generateSecret() })
    expect((await receiver.handle(forged)).status).toBe(401)
    expect(await statusOf('evt_1')).toBe(204)
  })

  it('answers 503 when the store cannot be asked', async () => {
    const down = { ...memoryReplayStore(), begin: () => Promise.reject(new Error('down')) }
    const { statusOf, errors } = receiverWith(down, () => expect.unreachable())
    expect(await statusOf('evt_1')).toBe(503)
    expect(errors).toMatchObject([
      { code: 'store_unavailable', message: 'The replay store failed: down', cause: new Error('down') },
    ])
  })

  it('calls no handler where the store answers something else', async () => {
    const odd = { ...memoryReplayStore(), begin: async () => 'duplicate' as never }
    const { statusOf, errors } = receiverWith(odd, () => expect.unreachable())
    expect(await statusOf('evt_1')).toBe(503)
    expect(errors).toMatchObject([{ code: 'store_unavailable' }])
  })

  it('acknowledges an event that was handled although that could not be noted', async () => {
    const down = { ...memoryReplayStore(), complete: () => Promise.reject(new Error('down')) }
    const { statusOf, errors } = receiverWith(down, () => {})
    expect(await statusOf('evt_1')).toBe(204)
    expect(errors).toMatchObject([{ message: 'down' }])
  })

  it('reports both failures when a message cannot be let go of', async () => {
    const down = { ...memoryReplayStore(), release: () => Promise.reject(new Error('down')) }
    const { statusOf, errors } = receiverWith(down, () => Promise.reject(new Error('handler')))
    expect(await statusOf('evt_1')).toBe(500)
    expect(errors).toMatchObject([{ message: 'down' }, { code: 'handlers_failed' }])
  })
})
