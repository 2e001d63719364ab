import { EntityNames, systemClock } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { type OpenEngine, onEachDatabase, site } from '../open-engine.ts'

const raise = ({ engine }: OpenEngine, entityId = 1) =>
  engine.syncManager.addSyncEvent(site, EntityNames.File, entityId, 'Download')

/** A clock that can be put forward, while its timers keep to the real one. */
function movableClock() {
  let aheadMs = 0
  return { ...systemClock, now: () => Date.now() + aheadMs, putForward: (ms: number) => (aheadMs += ms) }
}

async function statsOf({ engine }: OpenEngine, name: string) {
  const { subscriptions } = await engine.stats()
  return subscriptions.find((subscription) => subscription.name === name)
}

onEachDatabase((open, dialect) => {
  it('shows what piles up behind a paused subscription, how old it is, and nothing once it has caught up', async () => {
    const clock = movableClock()
    await using host = await open({ clock })
    await host.engine.subscribe({ entityChanged() {} }, { name: 'files', mode: 'durable' })
    await host.engine.start()
    await waitFor(async () => (await statsOf(host, 'files'))?.leasedBy === host.engine.nodeId, 'the lease')
    await host.engine.subscriptions.pause('files')
    await waitFor(async () => (await statsOf(host, 'files'))?.leasedBy === undefined, 'the pause')

    await raise(host, 1)
    clock.putForward(90_000)
    await raise(host, 2)
    await raise(host, 3)
    const behind = await statsOf(host, 'files')
    expect(behind).toMatchObject({
      state: 'paused',
      lagEvents: 3,
      lagCapped: false,
      parked: 0,
      failedAttempts: 0,
    })
    expect(behind?.lagSeconds).toBeGreaterThanOrEqual(90)
    expect(behind?.lagSeconds).toBeLessThan(120)

    await host.engine.subscriptions.resume('files')
    await waitFor(async () => (await statsOf(host, 'files'))?.lagEvents === 0, 'no lag')
    expect(await statsOf(host, 'files')).toMatchObject({ state: 'active', lagEvents: 0, lagSeconds: 0 })
    expect(await host.engine.stats()).toMatchObject({ nodeId: host.engine.nodeId, raised: 3, handled: 3 })
  })

  it('shows why a subscription stands still', async () => {
    await using host = await open()
    const entityChanged = () => {
      throw new RangeError('no room')
    }
    const retry = { maxAttempts: 2, firstDelayMs: 1 }
    await host.engine.subscribe(
      { entityChanged },
      { name: 'files', mode: 'durable', retry, onExhausted: 'block' },
    )
    await host.engine.start()
    await raise(host)
    await waitFor(async () => (await statsOf(host, 'files'))?.state === 'blocked', 'the block')
    expect(await statsOf(host, 'files')).toMatchObject({
      lagEvents: 1,
      failedAttempts: 2,
      lastError: 'RangeError: no room',
    })
    expect(await host.engine.stats()).toMatchObject({ failed: 2, parked: 0 })
  })

  it('passes what the subscription does not want', async () => {
    await using host = await open()
    await host.engine.subscribe({ entityChanged() {} }, { name: 'pages', mode: 'durable', filter: 'Page.*' })
    await host.engine.start()
    await raise(host)
    await waitFor(async () => (await statsOf(host, 'pages'))?.lagEvents === 0, 'no lag')
    expect(await host.engine.stats()).toMatchObject({ raised: 1, handled: 0 })
  })

  it('counts no further than ten thousand', async () => {
    await using host = await open()
    await host.engine.subscribe({ entityChanged() {} }, { name: 'files', mode: 'durable' })
    await host.engine.start()
    await host.engine.stop()
    await raise(host)
    const columns = sql`id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace`
    for (let doubling = 0; doubling < 14; doubling++) {
      await sql`insert into xe_sync_event (${columns}) select ${columns} from xe_sync_event`.execute(host.db)
    }
    expect(await statsOf(host, 'files')).toMatchObject({ lagEvents: 10_000, lagCapped: true })
  })

  // A second transaction beside an open one: SQLite has none.
  if (dialect === 'postgres') {
    it('counts neither what is still open nor twice what was open when it was read', async () => {
      await using host = await open()
      const seen: number[] = []
      await host.engine.subscribe(
        { entityChanged: ({ entityId }) => void seen.push(Number(entityId)) },
        { name: 'files', mode: 'durable' },
      )
      await host.engine.start()
      const raiseIn = (entityId: number, meanwhile: () => Promise<unknown>) =>
        host.db.transaction().execute(async (trx) => {
          await host.engine.syncManager.addSyncEvent(site, EntityNames.File, entityId, 'Download', { trx })
          await meanwhile()
        })
      await raiseIn(1, async () => {
        await raise(host, 2)
        await waitFor(
          async () => seen.length === 1 && (await statsOf(host, 'files'))?.lagEvents === 0,
          'one event',
        )
        await host.engine.subscriptions.pause('files')
        await waitFor(async () => (await statsOf(host, 'files'))?.leasedBy === undefined, 'the pause')
      })
      await raise(host, 3)
      expect(await statsOf(host, 'files')).toMatchObject({ lagEvents: 2 })
      await host.engine.subscriptions.resume('files')
      await waitFor(async () => (await statsOf(host, 'files'))?.lagEvents === 0, 'no lag')
      expect(seen).toEqual([2, 1, 3])
    })
  }
})
