import { randomUUID } from 'node:crypto'
import { digestOf } from '@x/signature'
import { manualClock, waitFor } from '@x/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  createReceiver,
  type InboxOptions,
  type SequenceNotice,
  type SequenceStore,
} from '../../src/index.ts'
import type { PostgresInboxOptions } from '../../src/pg.ts'
import { request, secret } from '../messages.ts'
import { ENDPOINT, inputOf, numberedSender, type SentMessage } from '../sequence/numbered-sender.ts'
import { type ConsumerDatabase, consumerDatabase } from './consumer-database.ts'
import type { HostKind } from './hosts/hosts.ts'
import type { InboxHost } from './hosts/inbox-host.ts'

const DAY_MS = 24 * 3_600_000

/** What an inbox has to do, whatever library holds its transactions. */
export function inboxContract(kind: HostKind): void {
  let database: ConsumerDatabase
  let host: InboxHost
  beforeAll(async () => {
    database = await consumerDatabase(kind)
    host = database.connect()
  })
  afterAll(() => database[Symbol.asyncDispose]())

  const newId = () => `evt_${randomUUID()}`
  const effectsOf = async (id: string) => (await database.effects()).filter((message) => message === id)
  const marksOf = async (id: string) => (await database.marks()).filter((mark) => mark.id === id)
  const statusOf = async (receiver: { handle(request: Request): Promise<Response> }, id: string) =>
    (await receiver.handle(request({ id }))).status

  /** A receiver, and the errors it reported. */
  function open(options: InboxOptions & PostgresInboxOptions = {}, on = host) {
    const receiver = createReceiver({ secrets: secret, inbox: on.inbox(options) })
    const errors: unknown[] = []
    receiver.onError((error) => errors.push(error))
    return { receiver, errors }
  }

  it('commits the mark with what the handlers write, before it answers', async () => {
    const { receiver, errors } = open({ scope: 'billing' })
    receiver.on('*', (event, { trx }) => host.write(trx, event.id))
    const id = newId()
    const before = Date.now()
    expect(await statusOf(receiver, id)).toBe(204)
    expect(await effectsOf(id)).toEqual([id])
    const [mark, ...others] = await marksOf(id)
    expect(mark).toMatchObject({ scope: 'billing' })
    expect(mark?.receivedAt).toBeGreaterThanOrEqual(before)
    expect(mark?.receivedAt).toBeLessThanOrEqual(Date.now())
    expect([others, errors]).toEqual([[], []])
  })

  it('keeps the number of a message with its mark, and neither when a handler throws', async () => {
    const sender = numberedSender()
    const [one, two, three] = [sender.send(), sender.send(), sender.send()]
    const scope = `numbered-${randomUUID()}`
    function openNumbered(on = host) {
      const inbox = on.inbox({ scope })
      const receiver = createReceiver({ secrets: secret, inbox, sequence: {} })
      const notices: SequenceNotice[] = []
      receiver.onGap((notice) => void notices.push(notice))
      const receive = async (message: SentMessage) => (await receiver.receive(inputOf(message))).status
      return { receiver, notices, receive, sequences: inbox.sequences as SequenceStore }
    }
    const first = openNumbered()
    let fails = true
    first.receiver.on('*', (event, { trx }) => {
      const written = host.write(trx, event.id)
      if (!fails) return written
      throw new Error('not now')
    })
    expect(await first.receive(one)).toBe(500)
    expect(await first.sequences.marks(ENDPOINT, 0, 10)).toEqual([])
    fails = false
    expect([await first.receive(one), await first.receive(three)]).toEqual([204, 204])
    const { id, sequence, chain, body } = one
    expect(await first.sequences.marks(ENDPOINT, 0, 1)).toEqual([
      { endpoint: ENDPOINT, id, sequence, chain, digest: digestOf(body) },
    ])
    expect(first.notices).toEqual([{ kind: 'gap', endpoint: ENDPOINT, from: 2, to: 2 }])
    // Another process, or the same after a restart; nobody wants the type there, and the number is kept all the same.
    const second = openNumbered()
    expect([await second.receive(three), await second.receive(two)]).toEqual([200, 204])
    expect(second.receiver.sequences()).toMatchObject([
      { sequence: 3, chain: sender.chain, highest: 3, missing: [] },
    ])
    expect(await effectsOf(two.id)).toEqual([])
    // What is saved is never an earlier place.
    await second.sequences.savePlace(ENDPOINT, { sequence: 3, chain: sender.chain })
    await second.sequences.savePlace(ENDPOINT, { sequence: 2, chain: two.chain })
    expect(await second.sequences.place(ENDPOINT)).toEqual({ sequence: 3, chain: sender.chain })
    // A number that was taken away on its way, and comes with the next attempt.
    const four = sender.send()
    expect(await statusOf(first.receiver, four.id)).toBe(204)
    expect(await first.receive(four)).toBe(200)
    expect(await first.sequences.marks(ENDPOINT, 3, 10)).toMatchObject([{ id: four.id, sequence: 4 }])
    expect(first.receiver.sequences()).toMatchObject([{ sequence: 4, chain: sender.chain }])
  })

  it('purges no number that is after the place', async () => {
    const sender = numberedSender()
    const scope = `old-${randomUUID()}`
    const clock = manualClock(Date.now() - 40 * DAY_MS)
    const old = host.inbox({ scope, clock })
    const at = { secrets: secret, inbox: old, sequence: {} }
    const receiver = createReceiver(at)
    const messages = [sender.send(), sender.send(), sender.send(), sender.send()]
    for (const number of [1, 2, 4]) await receiver.receive(inputOf(messages[number - 1] as SentMessage))
    const now = host.inbox({ scope })
    const sequences = now.sequences as SequenceStore
    expect(await now.purge()).toBe(0)
    await sequences.savePlace(ENDPOINT, { sequence: 2, chain: (messages[1] as SentMessage).chain })
    expect(await now.purge()).toBe(2)
    expect(await sequences.marks(ENDPOINT, 0, 10)).toMatchObject([{ sequence: 4 }])
    expect(await sequences.place(ENDPOINT)).toMatchObject({ sequence: 2 })
  })

  it('runs no handler for a copy', async () => {
    const { receiver } = open()
    const id = newId()
    receiver.on('*', (event, { trx }) => host.write(trx, event.id))
    expect(await statusOf(receiver, id)).toBe(204)
    expect([await statusOf(receiver, id), await statusOf(open().receiver, id)]).toEqual([200, 204])
    const other = open().receiver
    other.on('*', (event, { trx }) => host.write(trx, event.id))
    expect(await statusOf(other, id)).toBe(200)
    expect(await effectsOf(id)).toEqual([id])
  })

  it('keeps neither when a handler throws, and handles the next attempt', async () => {
    const { receiver, errors } = open()
    const id = newId()
    let calls = 0
    receiver.on('*', (event, { trx }) => {
      const written = host.write(trx, event.id)
      const fail = () => {
        if (++calls === 1) throw new Error('out of stock')
      }
      return written instanceof Promise || typeof Object(written).then === 'function'
        ? Promise.resolve(written).then(fail)
        : fail()
    })
    expect(await statusOf(receiver, id)).toBe(500)
    expect([await effectsOf(id), await marksOf(id)]).toEqual([[], []])
    expect(errors).toMatchObject([{ code: 'handlers_failed', cause: { message: 'out of stock' } }])
    expect(await statusOf(receiver, id)).toBe(204)
    expect(await effectsOf(id)).toEqual([id])
  })

  it('gives all handlers of an event one transaction, which the failure of one undoes', async () => {
    const { receiver } = open()
    const id = newId()
    const transactions: unknown[] = []
    let isFailing = true
    let called = 0
    receiver.on('File.*', (event, { trx }) => {
      transactions.push(trx)
      return host.write(trx, event.id)
    })
    receiver.on('*.Create', (_event, { trx }) => {
      transactions.push(trx)
      if (isFailing) throw new Error('not now')
    })
    receiver.on('*', () => {
      called++
    })
    expect(await statusOf(receiver, id)).toBe(500)
    expect([await effectsOf(id), called]).toEqual([[], 0])
    isFailing = false
    expect(await statusOf(receiver, id)).toBe(204)
    expect([await effectsOf(id), called]).toEqual([[id], 1])
    expect([transactions[0] === transactions[1], transactions[2] === transactions[3]]).toEqual([true, true])
  })

  it('runs the handler once for many copies at once to two processes', async () => {
    const id = newId()
    let runs = 0
    // SQLite has one connection for each process, and the test is one process.
    const second = kind.dialect === 'postgres' ? database.connect() : host
    const receivers = [open({}, host), open({}, second)].map(({ receiver }, n) => {
      receiver.on('*', (event, { trx }) => {
        runs++
        return (n === 0 ? host : second).write(trx, event.id)
      })
      return receiver
    })
    const copies = Array.from({ length: 20 }, (_, n) => statusOf(receivers[n % 2] as never, id))
    const statuses = await Promise.all(copies)
    expect(statuses.toSorted()).toEqual([...Array(19).fill(200), 204])
    expect([runs, await effectsOf(id)]).toEqual([1, [id]])
  })

  it('keeps receivers in one database apart by their scope', async () => {
    const id = newId()
    const odd = `it's "$1" \\ ? stock`
    for (const scope of ['billing', odd]) {
      const { receiver } = open({ scope })
      receiver.on('*', (event, { trx }) => host.write(trx, event.id))
      expect(await statusOf(receiver, id)).toBe(204)
    }
    expect(await effectsOf(id)).toEqual([id, id])
    expect((await marksOf(id)).map(({ scope }) => scope)).toEqual(['billing', odd])
  })

  it('can be in a table of another name, created twice without harm', async () => {
    await host.createInboxTable('hooks_seen')
    await host.createInboxTable('hooks_seen')
    const { receiver } = open({ table: 'hooks_seen' })
    receiver.on('*', (event, { trx }) => host.write(trx, event.id))
    const id = newId()
    expect([await statusOf(receiver, id), await statusOf(receiver, id)]).toEqual([204, 200])
    expect(await marksOf(id)).toEqual([])
  })

  it('says which table is missing, and asks for the message again', async () => {
    const { receiver, errors } = open({ table: 'nowhere' })
    receiver.on('*', () => {})
    expect(await statusOf(receiver, newId())).toBe(503)
    expect(errors).toMatchObject([{ code: 'inbox_unavailable' }])
    expect(String(errors[0])).toMatch(/nowhere.*createInboxTable/)
  })

  it('waits for what a handler returns only where that is a promise', async () => {
    const { receiver, errors } = open()
    receiver.on('*', () => JSON.parse('{"then":1}'))
    const id = newId()
    expect([await statusOf(receiver, id), errors]).toEqual([204, []])
    expect(await marksOf(id)).toHaveLength(1)
  })

  it('marks nothing where no handler wants the event', async () => {
    const { receiver } = open()
    receiver.on('Page.*', () => {})
    const id = newId()
    expect([await statusOf(receiver, id), await marksOf(id)]).toEqual([204, []])
  })

  it('repeats what the database rolled back for the sake of another transaction', async () => {
    const { receiver, errors } = open()
    const id = newId()
    let calls = 0
    receiver.on('*', (event, { trx }) => {
      if (++calls <= 3) throw Object.assign(new Error('could not serialize access'), { code: '40001' })
      return host.write(trx, event.id)
    })
    expect(await statusOf(receiver, id)).toBe(204)
    expect([await effectsOf(id), calls, errors]).toEqual([[id], 4, []])
  })

  it('leaves it to the sender when that goes on', async () => {
    const { receiver, errors } = open()
    let calls = 0
    receiver.on('*', () => {
      calls++
      throw Object.assign(new Error('deadlock detected'), { code: '40P01' })
    })
    expect(await statusOf(receiver, newId())).toBe(500)
    expect([calls, errors]).toMatchObject([5, [{ code: 'handlers_failed' }]])
  })

  it('deletes marks that are older than its retention, by itself and when it is asked to', async () => {
    const clock = manualClock()
    const scope = `purged ${kind.name}`
    const inbox = host.inbox({ scope, clock, retentionDays: 10 })
    const idsOf = async () =>
      (await database.marks()).filter((mark) => mark.scope === scope).map(({ id }) => id)
    const age = (days: number) => clock.now() - days * DAY_MS
    for (const [id, days] of [
      ['a', 12],
      ['b', 11],
      ['c', 9],
      ['d', 5],
    ] as const) {
      await database.insertMark({ scope, id, receivedAt: age(days) })
    }
    await database.insertMark({ scope: `${scope}, another`, id: 'a', receivedAt: age(12) })
    await inbox.maintain()
    expect(await idsOf()).toEqual(['a', 'b', 'c', 'd'])
    await clock.advance(600_000)
    await inbox.maintain()
    expect(await idsOf()).toEqual(['c', 'd'])
    expect(await inbox.purge({ olderThanDays: 7 })).toBe(1)
    expect(await inbox.purge()).toBe(0)
    expect(await idsOf()).toEqual(['d'])
    await database.insertOldMarks(scope, 2_300)
    expect(await inbox.purge()).toBe(2_300)
    expect(await idsOf()).toEqual(['d'])
    await expect(inbox.purge({ olderThanDays: 3 })).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  if (kind.dialect === 'sqlite') {
    it('waits for another process that writes, and answers 503 when that takes too long', async () => {
      const { receiver, errors } = open()
      receiver.on('*', (event, { trx }) => host.write(trx, event.id))
      const id = newId()
      const unlock = await database.lock()
      expect(await statusOf(receiver, id)).toBe(503)
      expect(errors).toMatchObject([{ code: 'inbox_unavailable' }])
      const answer = statusOf(receiver, id)
      await new Promise((resolve) => setTimeout(resolve, 5))
      await unlock()
      expect(await answer).toBe(204)
      expect(await effectsOf(id)).toEqual([id])
    })

    it('takes the failure of a statement for what the handler makes of it', async () => {
      const { receiver } = open()
      const id = newId()
      receiver.on('*', (event, { trx }) => {
        try {
          const failing = host.fail(trx)
          if (kind.isSync) throw new Error('it was not refused')
          return Promise.resolve(failing).then(
            () => Promise.reject(new Error('it was not refused')),
            () => host.write(trx, event.id),
          )
        } catch {
          return host.write(trx, event.id)
        }
      })
      expect(await statusOf(receiver, id)).toBe(204)
      expect(await effectsOf(id)).toEqual([id])
    })
  }

  if (kind.dialect === 'postgres') {
    it('does not take for a commit what a swallowed error has made a rollback', async () => {
      const { receiver, errors } = open()
      const id = newId()
      let isFailing = true
      receiver.on('*', async (event, { trx }) => {
        await host.write(trx, event.id)
        if (isFailing) await Promise.resolve(host.fail(trx)).catch(() => {})
      })
      expect(await statusOf(receiver, id)).toBe(500)
      expect(errors).toMatchObject([{ code: 'handlers_failed' }])
      expect(String(errors[0])).toMatch(/went on after one of its statements had failed/)
      expect([await effectsOf(id), await marksOf(id)]).toEqual([[], []])
      isFailing = false
      expect(await statusOf(receiver, id)).toBe(204)
      expect(await effectsOf(id)).toEqual([id])
    })

    it('gets serializable transactions through that depend on each other', async () => {
      const { receiver, errors } = open({ isolationLevel: 'serializable' })
      const bothHaveRead = Promise.withResolvers<void>()
      let calls = 0
      receiver.on('*', async (event, { trx }) => {
        const call = ++calls
        await host.count(trx)
        if (call === 2) bothHaveRead.resolve()
        await bothHaveRead.promise
        await host.write(trx, event.id)
      })
      const ids = [newId(), newId()]
      expect(await Promise.all(ids.map((id) => statusOf(receiver, id)))).toEqual([204, 204])
      for (const id of ids) expect(await effectsOf(id)).toEqual([id])
      expect(errors).toEqual([])
      // Once, or again where the repetition meets the other's commit as well.
      expect(calls, 'one of them was repeated').toBeGreaterThanOrEqual(3)
    })
  }

  if (kind.isSync) {
    it('refuses a handler that goes on after the transaction', async () => {
      const { receiver, errors } = open()
      const id = newId()
      receiver.on('*', async (event, { trx }) => {
        host.write(trx, event.id)
      })
      expect(await statusOf(receiver, id)).toBe(500)
      expect(String(errors[0])).toMatch(/handlers without async and await/)
      expect([await effectsOf(id), await marksOf(id)]).toEqual([[], []])
    })
    return
  }

  it('lets copies wait for the first, without a connection for each', async () => {
    const { receiver } = open()
    const gate = Promise.withResolvers<void>()
    const slow = newId()
    let runs = 0
    receiver.on('*', async (event, { trx }) => {
      runs++
      await host.write(trx, event.id)
      if (event.id === slow) await gate.promise
    })
    const copies = Array.from({ length: 12 }, () => statusOf(receiver, slow))
    await waitFor(() => runs === 1, 'the handler')
    if (kind.dialect === 'postgres') {
      // The pool has five connections.
      const others = Array.from({ length: 8 }, newId)
      expect(await Promise.all(others.map((id) => statusOf(receiver, id)))).toEqual(others.map(() => 204))
    }
    expect(await effectsOf(slow)).toEqual([])
    gate.resolve()
    expect((await Promise.all(copies)).toSorted()).toEqual([...Array(11).fill(200), 204])
    expect(await effectsOf(slow)).toEqual([slow])
  })

  it('gives a message to a copy that waited when the first failed', async () => {
    const { receiver } = open()
    const gate = Promise.withResolvers<void>()
    const id = newId()
    let runs = 0
    receiver.on('*', async (event, { trx }) => {
      const run = ++runs
      await host.write(trx, event.id)
      if (run > 1) return
      await gate.promise
      throw new Error('the first fails')
    })
    const first = statusOf(receiver, id)
    await waitFor(() => runs === 1, 'the handler')
    const second = statusOf(receiver, id)
    gate.resolve()
    expect(await Promise.all([first, second])).toEqual([500, 204])
    expect(await effectsOf(id)).toEqual([id])
  })

  it('commits the work of a handler that took longer than its signal lasts', async () => {
    const clock = manualClock()
    const receiver = createReceiver({ secrets: secret, inbox: host.inbox(), clock, handlerTimeoutMs: 1_000 })
    const id = newId()
    receiver.on('*', async (event, { trx, signal }) => {
      expect(signal.aborted).toBe(false)
      await clock.advance(2_000)
      expect(signal.aborted).toBe(true)
      await host.write(trx, event.id)
    })
    const timestamp = new Date(clock.now())
    expect((await receiver.handle(request({ id, timestamp }))).status).toBe(204)
    expect(await effectsOf(id)).toEqual([id])
  })
}
