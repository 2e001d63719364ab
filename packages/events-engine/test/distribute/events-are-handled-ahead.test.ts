import { EntityNames } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { CompiledQuery } from 'kysely'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import type { AheadEvent, AheadHost, IAheadSubscriber } from '../../src/internal.ts'
import { type HostTables, type OpenEngine, onEachDatabase, recordingLogger, site } from '../open-engine.ts'

const raise = (host: OpenEngine, ids: readonly number[]) =>
  Promise.all(ids.map((id) => host.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')))

const pageIds = async (host: OpenEngine) => {
  const rows = await host.db.selectFrom('page').select('pageId').orderBy('pageId').execute()
  return rows.map(({ pageId }) => pageId)
}

const idOf = ({ event }: Pick<AheadEvent, 'event'>) => Number(event.entityId)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

const execute = <TRow>(host: OpenEngine, statement: string) =>
  host.db.executeQuery<TRow>(CompiledQuery.raw(statement))

const stored = async (host: OpenEngine) => {
  const statement = 'select position, ahead from xe_subscription'
  const { rows } = await execute<{ position: string; ahead: number }>(host, statement)
  return rows[0] as { position: string; ahead: number }
}

interface Held {
  /** Events that were read and not settled, by their ids. */
  readonly events: Map<number, AheadEvent>
  readonly read: number[]
  readonly repeats: boolean[]
  host: AheadHost<HostTables> | undefined
  lives: number
  abandoned: number
  /** Records some of the events. */
  settle(ids: readonly number[]): Promise<void>
}

/** A subscriber that settles when the test says so, or on its own. */
function holding(isAutomatic: (id: number) => boolean, inBatch = (_id: number) => false) {
  const write = async (trx: Parameters<Parameters<AheadHost<HostTables>['record']>[1]>[0], ids: number[]) => {
    await trx
      .insertInto('page')
      .values(ids.map((pageId) => ({ pageId, name: 'x' })))
      .execute()
  }
  const held: Held = {
    events: new Map(),
    read: [],
    repeats: [],
    host: undefined,
    lives: 0,
    abandoned: 0,
    async settle(ids) {
      const events = ids.map((id) => held.events.get(id) as AheadEvent)
      await held.host?.record(events, (trx) => write(trx, [...ids]))
      for (const id of ids) held.events.delete(id)
    },
  }
  const batches: number[][] = []
  const subscriber: IAheadSubscriber<HostTables> = {
    async entitiesChanged(events, { trx }) {
      const ids = events.map((event) => Number(event.entityId))
      batches.push(ids)
      await write(trx as never, ids)
    },
    handleAhead(host) {
      held.host = host
      held.lives += 1
      held.events.clear()
      return {
        async read(events, { mayRepeat }) {
          if (events.some((one) => inBatch(idOf(one)))) return false
          for (const one of events) {
            held.read.push(idOf(one))
            held.repeats.push(mayRepeat)
            held.events.set(idOf(one), one)
          }
          const ids = events.map(idOf).filter(isAutomatic)
          if (ids.length > 0) void held.settle(ids).catch(() => {})
          return true
        },
        close() {},
        abandon() {
          held.abandoned += 1
        },
      }
    },
  }
  return { held, subscriber, batches }
}

/** Settles events that were handled before, of which there is nothing to record. */
function settleAll({ events }: Held): void {
  for (const event of events.values()) event.settle()
  events.clear()
}

const options = { name: 'ahead', mode: 'durable' } as const

onEachDatabase((open, dialect) => {
  it('reads no further than some megabytes of data behind what is unsettled', async () => {
    await using host = await open()
    const { held, subscriber } = holding(() => false)
    await host.engine.subscribe(subscriber, { ...options, from: 'start' })
    const data = { text: 'x'.repeat(250_000) }
    for (const id of range(1, 120)) {
      await host.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download', { data })
    }
    await host.engine.start()
    let most = 0
    for (let settled = 0; settled < 120; settled++) {
      // About 16 MB, and the page that goes beyond.
      await waitFor(() => held.read.length >= Math.min(120, settled + 60), 'events behind')
      most = Math.max(most, held.events.size)
      await held.settle([settled + 1])
    }
    expect(await pageIds(host)).toEqual(range(1, 120))
    expect(most).toBeLessThan(90)
  })

  it('reads on behind an unsettled event, and stores no position beyond it', async () => {
    await using host = await open()
    const { held, subscriber } = holding((id) => id !== 1)
    await host.engine.subscribe(subscriber, options)
    await host.engine.start()
    const before = await stored(host)
    await raise(host, [1])
    await waitFor(() => held.read.length === 1, 'the first')
    await raise(host, range(2, 60))
    await waitFor(async () => (await pageIds(host)).length === 59, 'all others')
    await held.host?.save()
    expect(await stored(host), 'another node would begin at the first').toEqual({
      position: before.position,
      ahead: 60,
    })
    await held.settle([1])
    await held.host?.save()
    const after = await stored(host)
    expect(after.position).not.toBe(before.position)
    await host.engine.stop()
    expect(await stored(host), 'nothing is ahead').toEqual({ position: after.position, ahead: 0 })
    expect(await pageIds(host)).toEqual(range(1, 60))
  })

  it('bounds what is unsettled', async () => {
    await using host = await open({ stopTimeoutMs: 50 })
    const { held, subscriber } = holding(() => false)
    await host.engine.subscribe(subscriber, options)
    await host.engine.start()
    await raise(host, range(1, 900))
    await waitFor(() => held.read.length === 600, 'the window')
    await held.settle(range(2, 200))
    await waitFor(() => held.read.length === 799, 'more')
    await held.settle(held.read.filter((id) => held.events.has(id)))
    await host.engine.stop()
  })

  it('reads on as soon as it has saved, however much lies behind the stored position', async () => {
    await using host = await open()
    const { held, subscriber } = holding(() => false)
    await host.engine.subscribe(subscriber, options)
    await host.engine.start()
    const before = await stored(host)
    await raise(host, range(1, 2_600))
    for (const ids of [range(1, 600), range(601, 1_200)]) {
      await waitFor(() => held.read.length >= (ids.at(-1) as number), 'a window')
      await held.settle(ids)
    }
    expect((await stored(host)).position, 'far behind what is settled').not.toBe(before.position)
    for (const ids of [range(1_201, 1_800), range(1_801, 2_400), range(2_401, 2_600)]) {
      await waitFor(() => held.read.length >= (ids.at(-1) as number), 'a window')
      await held.settle(ids)
    }
    await host.engine.stop()
    expect(await pageIds(host)).toEqual(range(1, 2_600))
  })

  it('says so also after a save whose response was lost', async () => {
    const lost = Object.assign(new Error('the connection was lost'), { code: 'ECONNRESET' })
    const inTransaction = new Set<object>()
    let losing = false
    await using host = await open({
      observer: {
        after(statement, connection) {
          if (/^(?:begin|start transaction)/.test(statement)) inTransaction.add(connection)
          if (/^(?:commit|rollback)/.test(statement)) inTransaction.delete(connection)
          const isSave =
            /^update xe_subscription set position/.test(statement) && !inTransaction.has(connection)
          if (losing && isSave) throw lost
        },
      },
    })
    const { held, subscriber } = holding((id) => id === 0)
    await host.engine.subscribe(subscriber, options)
    await host.engine.start()
    // One that is settled late: what follows is recorded without moving the position.
    await raise(host, [1, 2])
    await waitFor(() => held.events.size === 2, 'both')
    await held.settle([2])
    expect((await stored(host)).ahead).toBeGreaterThan(0)
    await held.settle([1])
    losing = true
    await expect(held.host?.save()).rejects.toThrow(lost)
    losing = false
    expect((await stored(host)).ahead, 'it is stored').toBe(0)

    await raise(host, [3, 4])
    await waitFor(() => held.events.size === 2, 'the next')
    await held.settle([4])
    expect(await pageIds(host)).toEqual([1, 2, 4])
    expect((await stored(host)).ahead, 'the fourth is ahead').toBeGreaterThan(0)
    await held.settle([3])
  })

  it('says to the next holder that effects may be there already, until the window is passed', async () => {
    await using host = await open({ stopTimeoutMs: 50 })
    const { held, subscriber } = holding((id) => id > 3)
    await host.engine.subscribe(subscriber, options)
    await host.engine.start()
    await raise(host, range(1, 20))
    await waitFor(async () => (await pageIds(host)).length === 17, 'those behind')
    await host.engine.stop()
    expect((await stored(host)).ahead).toBeGreaterThan(0)
    held.read.length = 0
    held.repeats.length = 0
    await host.engine.start()
    await waitFor(() => held.read.length === 20, 'all of them again')
    expect(new Set(held.repeats)).toEqual(new Set([true]))
    await host.engine.stop()
  })

  it('says so, too, after another has passed a part of the window', async () => {
    await using host = await open({ stopTimeoutMs: 50 })
    const { held, subscriber } = holding((id) => id > 3)
    await host.engine.subscribe(subscriber, { ...options, batchSize: 5 })
    await host.engine.start()
    await raise(host, range(1, 20))
    await waitFor(async () => (await pageIds(host)).length === 17, 'those behind')
    await host.engine.stop()
    // The next holder passes the first five, and ends in the midst of the window.
    await host.engine.start()
    await waitFor(() => held.events.size >= 5, 'the window again')
    const first = held.read.slice(-held.events.size).slice(0, 5)
    for (const id of first) held.events.get(id)?.settle()
    await host.engine.stop()
    expect((await stored(host)).ahead).toBeGreaterThan(0)
    held.read.length = 0
    held.repeats.length = 0
    await host.engine.start()
    await waitFor(() => held.read.includes(20), 'the rest')
    expect(held.read).not.toContain(1)
    expect(new Set(held.repeats)).toEqual(new Set([true]))
    await host.engine.stop()
  })

  it('says so of all that the former holder has recorded, however little it has noted of that', async () => {
    await using host = await open({ stopTimeoutMs: 50 })
    const { held, subscriber } = holding((id) => id > 1)
    await host.engine.subscribe(subscriber, { ...options, batchSize: 590 })
    await host.engine.start()
    await raise(host, range(1, 2_700))
    await waitFor(() => held.read.length >= 2_000, 'as much as may be read ahead')
    await waitFor(async () => (await pageIds(host)).length === held.read.length - 1, 'those behind')
    expect(held.read, 'so many are handled again after a crash').toHaveLength(2_000)
    expect(held.repeats, 'there was no former holder').not.toContain(true)
    await host.engine.stop()
    await execute(host, 'update xe_subscription set ahead = 1')
    held.read.length = 0
    held.repeats.length = 0
    await host.engine.start()
    const isRead = () => {
      settleAll(held)
      return held.read.length === 2_700
    }
    await waitFor(isRead, 'all of them again, and the rest')
    settleAll(held)
    const unsaid = held.read.filter((id, index) => id <= 2_000 && !held.repeats[index])
    expect(unsaid).toEqual([])
    // Once it has read to the end of the log, as with the first of these, it knows that there is no more of that.
    for (const id of [2_701, 2_702]) {
      await raise(host, [id])
      await waitFor(() => held.read.includes(id), 'a new one')
    }
    expect(held.repeats.at(-1)).toBe(false)
    await host.engine.stop()
  })

  // On SQLite a transaction that raises keeps all others from raising.
  it.runIf(dialect === 'postgres')('says so behind what is committed late', async () => {
    await using host = await open({ stopTimeoutMs: 50 })
    const late = range(1_001, 3_100)
    const own = range(1, 20)
    const { held, subscriber } = holding((id) => id > 1)
    await host.engine.subscribe(subscriber, options)
    await host.engine.start()
    const raised = Promise.withResolvers<void>()
    const committing = Promise.withResolvers<void>()
    const transaction = host.engine.transaction(async ({ raise: raiseLate }) => {
      for (const id of late) await raiseLate(site, EntityNames.File, id, 'Download')
      raised.resolve()
      await committing.promise
    })
    await raised.promise
    await raise(host, own)
    await waitFor(async () => (await pageIds(host)).length === 19, 'those behind the first')
    await host.engine.stop()
    expect((await stored(host)).ahead).toBeGreaterThan(0)
    committing.resolve()
    await transaction
    held.read.length = 0
    held.repeats.length = 0
    const other = createEventEngine({ db: host.db, pollMaxMs: 50, stopTimeoutMs: 50 })
    await other.subscribe(subscriber, options)
    await other.start()
    await waitFor(() => held.read.length === late.length + own.length, 'all of them')
    await other.stop()
    const first = held.read.slice(0, late.length)
    expect(Math.min(...first), 'the late ones come first').toBeGreaterThan(20)
    const unsaid = held.read.filter((id, index) => id <= 20 && !held.repeats[index])
    expect(unsaid).toEqual([])
  })

  it('forgets that where a person has moved the position', async () => {
    await using host = await open({ stopTimeoutMs: 50 })
    const { held, subscriber } = holding((id) => id > 3)
    await host.engine.subscribe(subscriber, options)
    await host.engine.start()
    await raise(host, range(1, 20))
    await waitFor(async () => (await pageIds(host)).length === 17, 'those behind')
    held.repeats.length = 0
    await host.engine.subscriptions.rewind('ahead', 'start')
    await waitFor(() => held.repeats.length === 20, 'all of them again')
    expect(new Set(held.repeats)).toEqual(new Set([false]))
    await host.engine.stop()
  })

  it('still says so where a person has skipped the event before them', async () => {
    await using host = await open()
    const { held, subscriber } = holding((id) => id !== 1)
    const failing: IAheadSubscriber<HostTables> = {
      ...subscriber,
      async entitiesChanged() {
        throw new Error('cannot be')
      },
    }
    await host.engine.subscribe(failing, { ...options, onExhausted: 'block', retry: { maxAttempts: 1 } })
    await host.engine.start()
    await raise(host, range(1, 10))
    await waitFor(async () => (await pageIds(host)).length === 9, 'those behind')
    held.host?.fail(new Error('refused'))
    const { subscriptions } = host.engine
    await waitFor(async () => (await subscriptions.list())[0]?.state === 'blocked', 'the block')
    held.read.length = 0
    held.repeats.length = 0
    await subscriptions.skip('ahead')
    await waitFor(() => held.read.length === 9, 'those behind again')
    expect(held.read).toEqual(range(2, 10))
    expect(new Set(held.repeats)).toEqual(new Set([true]))
    settleAll(held)
    await host.engine.stop()
  })

  it('records nothing once the lease is lost', async () => {
    await using host = await open()
    const { held, subscriber } = holding(() => false)
    await host.engine.subscribe(subscriber, options)
    await host.engine.start()
    await raise(host, [1, 2])
    await waitFor(() => held.read.length === 2, 'the events')
    const { host: first } = held
    const event = held.events.get(1) as AheadEvent
    await execute(host, 'update xe_subscription set epoch = epoch + 1')
    const recording = first?.record([event], async (trx) => {
      await trx.insertInto('page').values({ pageId: 1, name: 'late' }).execute()
    })
    await expect(recording).rejects.toMatchObject({ code: 'lease_lost' })
    first?.fail(await recording?.catch((error: unknown) => error))
    expect(await pageIds(host)).toEqual([])
    await waitFor(() => held.abandoned > 0, 'the end of the life')
  })

  it('handles in a batch what cannot be handled ahead, in the order of the log', async () => {
    const logger = recordingLogger()
    await using host = await open({ logger })
    const { held, subscriber, batches } = holding(
      () => true,
      (id) => id === 30,
    )
    await host.engine.subscribe(subscriber, { ...options, batchSize: 10 })
    await host.engine.start()
    for (let id = 1; id <= 50; id += 5) await raise(host, range(id, id + 4))
    await waitFor(async () => (await pageIds(host)).length === 50, 'all')
    expect(await pageIds(host)).toEqual(range(1, 50))
    expect(batches.flat()).toContain(30)
    expect(held.read).not.toContain(30)
    await host.engine.stop()
  })

  it('stops although an event before the one for a batch is not settled', async () => {
    await using host = await open({ stopTimeoutMs: 0 })
    const refused: number[] = []
    const { held, subscriber, batches } = holding(
      () => false,
      (id) => id === 2 && refused.push(id) > 0,
    )
    await host.engine.subscribe(subscriber, { ...options, batchSize: 1 })
    await host.engine.start()
    await raise(host, [1])
    await waitFor(() => held.read.length === 1, 'the first')
    await raise(host, [2])
    await waitFor(() => refused.length > 0, 'the second')
    await host.engine.stop()
    expect(batches, 'the second waits for the first').toEqual([])
    await host.engine.start()
    await waitFor(() => held.read.length === 2, 'the first again')
    await held.settle([1])
    await waitFor(() => batches.length === 1, 'the second')
    expect(batches).toEqual([[2]])
  })

  it('ends a reading that waits once recording has failed', async () => {
    await using host = await open()
    const { held, subscriber } = holding(() => false)
    const waiting: number[] = []
    const reading: IAheadSubscriber<HostTables> = {
      ...subscriber,
      handleAhead(ahead) {
        const handler = subscriber.handleAhead(ahead)
        const { promise, resolve } = Promise.withResolvers<void>()
        const isFirst = held.lives === 1
        return {
          ...handler,
          async read(events, context) {
            if (isFirst) {
              waiting.push(...events.map(idOf))
              await promise
            }
            return handler.read(events, context)
          },
          abandon() {
            resolve()
            handler.abandon()
          },
        }
      },
    }
    await host.engine.subscribe(reading, { ...options, timeoutMs: 1_000_000 })
    await host.engine.start()
    await raise(host, [1])
    await waitFor(() => waiting.length === 1, 'the reading')
    held.host?.fail(new Error('refused'))
    await waitFor(async () => (await pageIds(host)).length === 1, 'the event in a batch')
  })

  it('handles in batches, and parks, what is refused', async () => {
    await using host = await open()
    const { held, subscriber } = holding((id) => id !== 7)
    const failing: IAheadSubscriber<HostTables> = {
      ...subscriber,
      async entitiesChanged(events, context) {
        if (events.some((event) => event.entityId === 7)) throw new Error('cannot be')
        const there = await pageIds({ ...host, db: context.trx as never })
        const missing = events.filter((event) => !there.includes(Number(event.entityId)))
        if (missing.length > 0) await subscriber.entitiesChanged(missing, context)
      },
    }
    await host.engine.subscribe(failing, { ...options, retry: { maxAttempts: 2, firstDelayMs: 1 } })
    await host.engine.start()
    await raise(host, range(1, 12))
    await waitFor(async () => (await pageIds(host)).length === 11, 'the others')
    held.host?.fail(new Error('refused'))
    await waitFor(
      async () => (await host.engine.subscriptions.parked('ahead')).length === 1,
      'the parked one',
    )
    await raise(host, [13])
    await waitFor(async () => (await pageIds(host)).includes(13), 'what comes after it')
    expect(await pageIds(host)).toEqual([...range(1, 6), ...range(8, 13)])
    await host.engine.stop()
  })
})
