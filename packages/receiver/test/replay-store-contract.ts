import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { createReceiver, type ReplayStore, type ReplayTimes } from '../src/index.ts'
import { request, secret } from './messages.ts'

/** A kind of store, and the time by which it lets go of things. */
export interface StoreUnderTest {
  /** Opens a store as another process would: on the same ids, unless the scope differs. */
  open(options?: ReplayTimes & { readonly scope?: string }): ReplayStore
  /** Waits until so much time has passed for the store. */
  pass(seconds: number): Promise<void>
}

/** What every store has to do, whatever keeps its ids. */
export function replayStoreContract(subject: () => StoreUnderTest): void {
  const newId = () => `evt_${randomUUID()}`

  it('gives an id to the first that asks, until it is done', async () => {
    const store = subject().open()
    const id = newId()
    expect(await store.begin(id, 'one')).toBe('new')
    expect(await store.begin(id, 'two')).toBe('in_progress')
    await store.complete(id, 'one')
    expect(await store.begin(id, 'three')).toBe('done')
    expect(await store.begin(newId(), 'four')).toBe('new')
  })

  it('gives it again once it was released', async () => {
    const store = subject().open()
    const id = newId()
    await store.begin(id, 'one')
    await store.release(id, 'one')
    expect(await store.begin(id, 'two')).toBe('new')
    expect(await store.begin(id, 'three')).toBe('in_progress')
  })

  it('gives it to one of many that ask at the same time', async () => {
    const stores = [subject().open(), subject().open()]
    for (let round = 0; round < 20; round++) {
      const id = newId()
      const asked = Array.from({ length: 10 }, async (_, n) => stores[n % 2]?.begin(id, `${n}`))
      const claims = await Promise.all(asked)
      expect(claims.filter((claim) => claim === 'new')).toHaveLength(1)
      expect(claims.filter((claim) => claim === 'in_progress')).toHaveLength(9)
    }
  })

  it('lets no other release or complete a claim', async () => {
    const store = subject().open()
    const id = newId()
    await store.begin(id, 'one')
    await store.release(id, 'two')
    await store.complete(id, 'two')
    expect(await store.begin(id, 'three')).toBe('in_progress')
    await store.complete(id, 'one')
    await store.release(id, 'one')
    expect(await store.begin(id, 'four')).toBe('done')
  })

  it('lets a claim lapse whose holder was never heard of again', async () => {
    const { open, pass } = subject()
    const store = open({ leaseSeconds: 0.2 })
    const id = newId()
    await store.begin(id, 'crashed')
    expect(await store.begin(id, 'early')).toBe('in_progress')
    await pass(0.3)
    expect(await open().begin(id, 'next')).toBe('new')
    // Its holder was only slow. The claim is another's by now.
    await store.complete(id, 'crashed')
    expect(await store.begin(id, 'third')).toBe('in_progress')
    await store.release(id, 'crashed')
    expect(await store.begin(id, 'third')).toBe('in_progress')
  })

  it('completes a claim that lapsed when nobody has taken it since', async () => {
    const { open, pass } = subject()
    const store = open({ leaseSeconds: 0.2 })
    const id = newId()
    await store.begin(id, 'slow')
    await pass(0.3)
    await store.complete(id, 'slow')
    expect(await store.begin(id, 'next')).toBe('done')
  })

  it('forgets what was done when its time is over, not before', async () => {
    const { open, pass } = subject()
    const store = open({ ttlSeconds: 0.3 })
    const id = newId()
    await store.begin(id, 'one')
    await store.complete(id, 'one')
    expect(await store.begin(id, 'two')).toBe('done')
    await pass(0.4)
    expect(await store.begin(id, 'three')).toBe('new')
  })

  it('keeps odd ids apart', async () => {
    const store = subject().open()
    const odd = ['a', 'A', "a'b", 'a"b', '%', '_', '__proto__', 'done', 'x'.repeat(256), 'a:b', '\\']
    const ids = odd.map((id) => `${newId().slice(0, 8)}${id}`.slice(-256))
    for (const id of ids) expect(await store.begin(id, 'one')).toBe('new')
    for (const id of ids) await store.complete(id, 'one')
    for (const id of ids) expect(await store.begin(id, 'two')).toBe('done')
  })

  it.each([{ leaseSeconds: 0 }, { leaseSeconds: Number.NaN }, { ttlSeconds: -1 }, { ttlSeconds: Infinity }])(
    'refuses %j',
    (options) => {
      expect(() => subject().open(options)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    },
  )

  it('has a handler run once, of twenty deliveries at once to two processes', async () => {
    let runs = 0
    let refused = 0
    const { promise: gate, resolve: openGate } = Promise.withResolvers<void>()
    const receivers = [subject().open(), subject().open()].map((replayStore) => {
      const receiver = createReceiver({ secrets: secret, replayStore })
      receiver.on('*', () => {
        runs++
        return gate
      })
      return receiver
    })
    const id = newId()
    const deliveries = Array.from({ length: 20 }, async (_, n) => {
      const response = await receivers[n % 2]?.handle(request({ id }))
      if (response?.status === 409) refused++
      if (refused === 19) openGate()
      return response?.status
    })
    const statuses = await Promise.all(deliveries)
    expect(runs).toBe(1)
    expect(statuses.filter((status) => status === 204)).toHaveLength(1)
    expect(statuses.filter((status) => status === 409)).toHaveLength(19)
    expect((await receivers[0]?.handle(request({ id })))?.status).toBe(200)
    expect(runs).toBe(1)
  })
}
