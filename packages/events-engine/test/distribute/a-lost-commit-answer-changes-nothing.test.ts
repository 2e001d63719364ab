import { EntityNames, type SyncEvent } from '@x/events-core'
import { type Cut, type CuttingProxy, cuttingProxy, waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { type HostTables, site } from '../open-engine.ts'

async function openThroughProxy(leaseMs = 600) {
  const resources = new AsyncDisposableStack()
  const database = resources.use(await postgresDatabase<HostTables>())
  // No unique key: what is written twice must show, not be refused.
  await database.pool.query('create table page ("pageId" integer not null, name text not null)')
  const proxy = resources.use(await cuttingProxy(database.url))
  const pool = new Pool({ connectionString: proxy.url, max: 8 })
  const db = new Kysely<HostTables>({ dialect: new PostgresDialect({ pool }) })
  resources.defer(() => db.destroy())
  const engine = createEventEngine({
    db,
    postgres: { pool },
    leaseMs,
    pollMaxMs: 50,
    retention: false,
  })
  await engine.migrate()
  resources.defer(() => engine.stop())
  const pages = async () => {
    const { rows } = await database.pool.query<{ pageId: number; name: string }>(
      'select * from page order by "pageId"',
    )
    return rows
  }
  return { proxy, database, engine, pages, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

/** Every third COMMIT passes, every third never arrives, and of every third the answer is lost. */
function cutInTurn(proxy: CuttingProxy): void {
  const fates: (Cut | undefined)[] = [undefined, 'before commit', 'before its answer']
  let commits = 0
  proxy.decide(() => fates[commits++ % 3])
}

it('hands out an event exactly if its row is there, whatever the raiser was told', async ({ annotate }) => {
  // A lease that a busy machine does not lose, and with it the position.
  await using host = await openThroughProxy(20_000)
  const { engine, proxy } = host
  const handled: string[] = []
  await engine.subscribe(
    { entityChanged: (event) => void handled.push(event.id) },
    { name: 'each', mode: 'durable' },
  )
  await engine.start()
  cutInTurn(proxy)
  const outcomes = new Map<string, 'told so' | 'told otherwise'>()
  for (let pageId = 0; pageId < 45; pageId++) {
    let id = ''
    try {
      await engine.transaction(async ({ trx, raise }) => {
        const event = await raise(site, EntityNames.Page, pageId, 'Create')
        id = event.id
        await trx.insertInto('page').values({ pageId, name: event.id }).execute()
      })
      outcomes.set(id, 'told so')
    } catch (error) {
      expect(error).toBeInstanceOf(Error)
      outcomes.set(id, 'told otherwise')
    }
  }
  proxy.decide(() => undefined)

  const written = (await host.pages()).map(({ name }) => name)
  await waitFor(() => written.every((id) => handled.includes(id)), 'every row to be heard of')
  expect(new Set(handled)).toEqual(new Set(written))
  expect(handled.length, 'no connection that moves the position was cut').toBe(written.length)
  const unknown = written.filter((id) => outcomes.get(id) === 'told otherwise')
  const counts = `${proxy.cuts} cuts; committed ${written.length}, of them not known to the raiser ${unknown.length}`
  await annotate(counts)
  expect([proxy.cuts, written.length, unknown.length], counts).toEqual([30, 30, 15])
})

it('writes the rows of a batch exactly once, although the connection is cut in its commits', async ({
  annotate,
}) => {
  await using host = await openThroughProxy()
  const { engine, proxy } = host
  await engine.subscribe(
    {
      async entitiesChanged(events: readonly SyncEvent[], { trx }) {
        const rows = events.map((event) => ({ pageId: Number(event.entityId), name: event.id }))
        await trx.insertInto('page').values(rows).execute()
      },
    },
    { name: 'batch', mode: 'durable', batchSize: 4, retry: { maxAttempts: 2, firstDelayMs: 1 } },
  )
  await engine.start()
  cutInTurn(proxy)
  const COUNT = 40
  // One statement: raising has no COMMIT of its own to be cut.
  const raised = await Promise.all(
    Array.from({ length: COUNT }, (_, id) => engine.syncManager.addSyncEvent(site, 'Page', id, 'Create')),
  )
  await waitFor(async () => {
    const { subscriptions } = await engine.stats()
    return subscriptions[0]?.lagEvents === 0
  }, 'the batch to reach the end')
  // An event whose tries were all cut is parked; once more, on a better network.
  proxy.decide(() => undefined)
  const parked = await engine.subscriptions.parked('batch')
  await engine.subscriptions.resume('batch')
  await waitFor(async () => (await engine.subscriptions.parked('batch')).length === 0, 'parked events')

  const written = (await host.pages()).map(({ name }) => name)
  const counts = `${COUNT} events, ${proxy.cuts} cuts, ${parked.length} parked meanwhile`
  await annotate(counts)
  expect(written, counts).toEqual(raised.map(({ id }) => id))
  expect(proxy.cuts).toBeGreaterThan(4)
})

it('handles a resumed event of a batch once, although the answer of that commit is lost', async () => {
  await using host = await openThroughProxy()
  const { engine, proxy } = host
  let broken = true
  await engine.subscribe(
    {
      async entitiesChanged(events: readonly SyncEvent[], { trx }) {
        if (broken) throw new Error('not yet')
        const rows = events.map((event) => ({ pageId: Number(event.entityId), name: event.id }))
        await trx.insertInto('page').values(rows).execute()
      },
    },
    { name: 'batch', mode: 'durable', retry: { maxAttempts: 1 } },
  )
  await engine.start()
  const event = await engine.syncManager.addSyncEvent(site, 'Page', 1, 'Create')
  await waitFor(async () => (await engine.subscriptions.parked('batch')).length === 1, 'the parked event')
  broken = false
  let cut: Cut | undefined = 'before its answer'
  proxy.decide(() => {
    const fate = cut
    cut = undefined
    return fate
  })
  await engine.subscriptions.resume('batch')
  await waitFor(async () => (await engine.subscriptions.parked('batch')).length === 0, 'the event')
  await engine.subscriptions.resume('batch')
  await engine.syncManager.addSyncEvent(site, 'Page', 2, 'Create')
  await waitFor(async () => (await host.pages()).some(({ pageId }) => pageId === 2), 'the next event')
  expect((await host.pages()).filter(({ name }) => name === event.id)).toHaveLength(1)
  expect(proxy.cuts).toBe(1)
})
