import { EntityNames, type SyncEvent } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { type PostgresDatabase, postgresDatabase } from '@x/testkit/postgres'
import { expect, it } from 'vitest'
import { createEventEngine, type IBatchEventSubscriber } from '../../src/index.ts'
import { type HostTables, recordingLogger, site } from '../open-engine.ts'

/** Longer than a busy machine stands still, which would lose it. */
const LEASE_MS = 3_000

function startNode(database: PostgresDatabase<HostTables>, logger = recordingLogger()) {
  const { db, pool } = database.connect()
  return createEventEngine({ db, postgres: { pool }, leaseMs: LEASE_MS, pollMaxMs: 20, logger })
}

it('does not let a slow batch hold up other subscriptions, take their leases, or keep a node from stopping', async () => {
  await using database = await postgresDatabase<HostTables>()
  const logger = recordingLogger()
  await using here = startNode(database, logger)
  await using there = startNode(database)
  await here.migrate()
  const entered = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  // Also when an assertion fails: stopping waits for the batch.
  using cleanUp = new DisposableStack()
  cleanUp.defer(release.resolve)
  const batches: string[] = []
  const slow = (node: string): IBatchEventSubscriber<HostTables> => ({
    async entitiesChanged(events) {
      batches.push(`${node} ${events.map((event) => event.entityId)}`)
      entered.resolve()
      await release.promise
    },
  })
  const handled: unknown[] = []
  await here.subscribe(slow('here'), { name: 'slow', mode: 'durable' })
  for (const name of ['a', 'z']) {
    await here.subscribe(
      { entityChanged: (event: SyncEvent) => void handled.push(`${name} ${event.entityId}`) },
      { name, mode: 'durable' },
    )
  }
  await here.start()
  await here.syncManager.addSyncEvent(site, EntityNames.Page, 1, 'Update')
  await entered.promise

  // For several leases' time the transaction stays open, which keeps its row locked.
  const renewed = async () => {
    const { rows } = await database.pool.query<{ name: string; renewed: boolean }>(
      `select name, leased_until > extract(epoch from now()) * 1000 as renewed from xe_subscription where name in ('a', 'z') order by name`,
    )
    return rows.every((row) => row.renewed)
  }
  const openedAt = performance.now()
  for (let id = 2; id < 12 || performance.now() - openedAt < 2 * LEASE_MS; id++) {
    await here.syncManager.addSyncEvent(site, EntityNames.Page, id, 'Update')
    await waitFor(() => handled.length === 2 * id, 'the others to handle the event')
    const saved = async () => {
      const { subscriptions } = await here.stats()
      return subscriptions.every(({ name, lagEvents }) => name === 'slow' || lagEvents === 0)
    }
    await waitFor(saved, 'the others to save their positions')
    expect(await renewed()).toBe(true)
  }
  expect(new Set(handled).size, 'no lease was lost, and nothing repeated').toBe(handled.length)
  expect(logger.messages.filter((message) => message.includes('lease'))).toEqual([])

  // Another node that wants the subscription does not wait for the row, and may leave again.
  await there.subscribe(slow('there'), { name: 'slow', mode: 'durable' })
  await there.start()
  await there.stop()
  release.resolve()
  await waitFor(() => batches.length >= 2, 'the second batch')
  expect(batches[0]).toBe('here 1')
  expect(batches[1]).toMatch(/^here 2,3,4,5,6,7,8,9,10,11(,|$)/)
})

it('leaves a resumed event to the node that has taken it already', async () => {
  await using database = await postgresDatabase<HostTables>()
  await using node = startNode(database)
  await node.migrate()
  let broken = true
  const handled: unknown[] = []
  const subscriber: IBatchEventSubscriber<HostTables> = {
    entitiesChanged(events) {
      if (broken) throw new Error('not yet')
      handled.push(...events.map((event) => event.entityId))
    },
  }
  await node.subscribe(subscriber, { name: 'batch', mode: 'durable', retry: { maxAttempts: 1 } })
  await node.start()
  await node.syncManager.addSyncEvent(site, EntityNames.Page, 'resumed', 'Update')
  await waitFor(async () => (await node.subscriptions.parked('batch')).length === 1, 'the parked event')
  broken = false

  // Stands in for a node that was taken for dead while it handled the event.
  const client = await database.pool.connect()
  using cleanUp = new DisposableStack()
  cleanUp.defer(() => client.release(true))
  await client.query('update xe_parked_event set resume_requested = 1')
  await client.query('begin; delete from xe_parked_event')
  // As resume does, which would wait for that node.
  await database.pool.query('update xe_subscription set revision = revision + 1')
  await waitFor(async () => {
    const { rows } = await database.pool.query(`select from pg_stat_activity where wait_event_type = 'Lock'
      and datname = current_database() and query like 'delete from%parked_event%'`)
    return rows.length === 1
  }, 'the node to wait for the parked event')
  await client.query('commit')
  await node.syncManager.addSyncEvent(site, EntityNames.Page, 'next', 'Update')
  await waitFor(() => handled.includes('next'), 'the next event')
  expect(handled).toEqual(['next'])
})
