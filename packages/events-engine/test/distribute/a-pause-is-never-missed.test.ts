import { EntityNames, type IEventSubscriber, type SyncEvent } from '@x/events-core'
import { temporaryFolder, waitFor } from '@x/testkit'
import { observedDialect } from '@x/testkit/observed-dialect'
import { postgresDatabase } from '@x/testkit/postgres'
import Database from 'better-sqlite3'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import { describe, expect, it } from 'vitest'
import { createEventEngine, type EventEngine, type IBatchEventSubscriber } from '../../src/index.ts'
import { type HostTables, onEachDatabase, site } from '../open-engine.ts'

/** Longer than any test: a change that is found only when the lease is extended is not found in time. */
const LONG_MS = 1_000_000

const raise = (engine: EventEngine<HostTables>, id: number) =>
  engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')

async function stateOf(engine: EventEngine<HostTables>) {
  const [row] = await engine.subscriptions.list()
  return row && { state: row.state, leasedBy: row.leasedBy }
}

/** Waits until no node handles the subscription. */
function handedBack(engine: EventEngine<HostTables>) {
  return waitFor(async () => {
    const row = await stateOf(engine)
    return row && row.leasedBy === undefined && row
  }, 'the lease to be handed back')
}

onEachDatabase((open, dialect) => {
  it('stands still when a pause comes between the taking of the lease and its reply', async () => {
    await using database = await openWithLateReplies(dialect)
    await using engine = createEventEngine({ db: database.db, leaseMs: LONG_MS, pollMaxMs: 50 })
    await engine.migrate()
    database.beforeReply(/update \S+\s+set leased_by = .* epoch = epoch \+ 1/s, () =>
      engine.subscriptions.pause('files'),
    )
    const seen: unknown[] = []
    await engine.subscribe(
      { entityChanged: (event) => void seen.push(event.entityId) },
      { name: 'files', mode: 'durable' },
    )
    await engine.start()
    await waitFor(async () => (await stateOf(engine))?.state === 'paused', 'the pause')
    await handedBack(engine)
    await raise(engine, 1)
    await engine.subscriptions.resume('files')
    await waitFor(() => seen.length === 1, 'the event')
  })

  type Handle = (entityId: unknown) => Promise<void>
  const handlers: Record<string, (handle: Handle) => IEventSubscriber | IBatchEventSubscriber> = {
    'one by one': (handle) => ({ entityChanged: ({ entityId }) => handle(entityId) }),
    'in batches': (handle) => ({
      async entitiesChanged(events) {
        for (const { entityId } of events) await handle(entityId)
      },
    }),
  }

  describe.each(Object.entries(handlers))('handling events %s', (kind, subscriberOf) => {
    it('stays paused when the event that is being handled fails', async () => {
      await using host = await open({ leaseMs: LONG_MS })
      const { engine } = host
      let attempts = 0
      let pausing: Promise<void> | undefined
      const handle = async () => {
        attempts += 1
        if (pausing) return
        pausing = engine.subscriptions.pause('files')
        // That of a batch waits for the batch's transaction.
        if (kind === 'one by one') await pausing
        throw new Error('not yet')
      }
      await engine.subscribe(subscriberOf(handle), {
        name: 'files',
        mode: 'durable',
        retry: { firstDelayMs: LONG_MS, maxDelayMs: LONG_MS },
      })
      await engine.start()
      await raise(engine, 1)
      await waitFor(() => pausing !== undefined, 'the first attempt')
      await pausing
      expect(await handedBack(engine)).toMatchObject({ state: 'paused' })
      expect(attempts).toBe(1)
      await engine.subscriptions.resume('files')
      await waitFor(() => attempts === 2, 'the second attempt')
    })

    it('follows another node that skips an event which waits for its retry', async () => {
      await using host = await open({ leaseMs: 300 })
      await using other = createEventEngine({ db: host.db })
      const { engine } = host
      const seen: number[] = []
      // However often it is tried: a try that the database interrupts is not recorded.
      const subscriber = subscriberOf(async (id) => {
        if (id === 1) throw new Error('never')
        seen.push(Number(id))
      })
      await engine.subscribe(subscriber, {
        name: 'files',
        mode: 'durable',
        retry: { firstDelayMs: LONG_MS, maxDelayMs: LONG_MS },
      })
      await engine.start()
      const first = await raise(engine, 1)
      await waitFor(async () => (await engine.subscriptions.list())[0]?.failedAttempts, 'the failure')
      expect(await other.subscriptions.skip('files')).toEqual<SyncEvent>(first)
      await raise(engine, 2)
      await waitFor(() => seen.includes(2), 'the next event')
    })
  })

  it('stops in the middle of parked events that are tried again', async () => {
    await using host = await open({ leaseMs: LONG_MS })
    const { engine } = host
    const seen: unknown[] = []
    let isBroken = true
    await engine.subscribe(
      {
        async entityChanged({ entityId }) {
          if (isBroken) throw new Error('not yet')
          seen.push(entityId)
          if (entityId === 1) await engine.subscriptions.pause('files')
        },
      },
      { name: 'files', mode: 'durable', retry: { maxAttempts: 1 } },
    )
    await engine.start()
    for (const id of [1, 2, 3]) await raise(engine, id)
    await waitFor(async () => (await engine.subscriptions.list())[0]?.parked === 3, 'the parked events')
    isBroken = false
    await engine.subscriptions.resume('files')
    await waitFor(() => seen.length > 0, 'the first parked event')
    expect(await handedBack(engine)).toMatchObject({ state: 'paused' })
    expect(seen).toEqual([1])
    await engine.subscriptions.resume('files')
    await waitFor(() => seen.length === 3, 'the others')
  })
})

/** A database that does something once, after a statement and before its reply. */
async function openWithLateReplies(dialect: 'sqlite' | 'postgres') {
  let pending: { readonly statement: RegExp; readonly change: () => Promise<void> } | undefined

  async function afterStatement(text: string): Promise<void> {
    if (!pending?.statement.test(text)) return
    const { change } = pending
    pending = undefined
    const changing = change()
    // SQLite has one connection: the change has to wait for this one to be given back.
    if (dialect === 'postgres') await changing
  }

  const opened = dialect === 'postgres' ? await postgresDatabase<HostTables>() : await temporaryFolder()
  const inner =
    'pool' in opened
      ? new PostgresDialect({ pool: opened.pool })
      : new SqliteDialect({ database: new Database(`${opened.path}/host.db`) })
  const db = new Kysely<HostTables>({ dialect: observedDialect(inner, { after: afterStatement }) })
  return {
    db,
    beforeReply(statement: RegExp, change: () => Promise<void>) {
      pending = { statement, change }
    },
    async [Symbol.asyncDispose]() {
      if (!('pool' in opened)) await db.destroy()
      await opened[Symbol.asyncDispose]()
    },
  }
}
