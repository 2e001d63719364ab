import { EntityNames, type SyncEvent, systemClock } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { type OpenEngine, onEachDatabase, openEngine, site } from '../open-engine.ts'

const HOUR_MS = 60 * 60 * 1_000
const LEASE_MS = 600

/** The machine's clock, which can be set. */
function jumpingClock() {
  let offsetMs = 0
  return {
    now: () => Date.now() + offsetMs,
    schedule: systemClock.schedule,
    jump(ms: number) {
      offsetMs += ms
    },
  }
}

onEachDatabase((open, dialect) => {
  it('loses nothing and hardly waits while the clocks of two nodes jump by an hour, to and fro', async ({
    annotate,
  }) => {
    const clocks = [jumpingClock(), jumpingClock()] as const
    // On PostgreSQL leases go by the database's clock: the test needs one that a busy machine does not lose.
    const leaseMs = dialect === 'postgres' ? 60_000 : LEASE_MS
    await using host = await open({ clock: clocks[0], leaseMs })
    await using other = createEventEngine({
      db: host.db,
      clock: clocks[1],
      leaseMs,
      pollMaxMs: 50,
    })
    const handled: string[] = []
    const heard: string[] = []
    for (const engine of [host.engine, other]) {
      await engine.subscribe(
        { entityChanged: (event: SyncEvent) => void handled.push(event.id) },
        { name: 'each', mode: 'durable' },
      )
      await engine.subscribe(
        {
          async entitiesChanged(events, { trx }) {
            const rows = events.map((event) => ({ pageId: Number(event.entityId), name: event.id }))
            await trx.insertInto('page').values(rows).execute()
          },
        },
        { name: 'batch', mode: 'durable', batchSize: 5 },
      )
    }
    await other.subscribe(
      { entityChanged: (event: SyncEvent) => void heard.push(event.id) },
      { name: 'cache', mode: 'broadcast' },
    )
    await host.engine.start()
    await other.start()

    const raised: string[] = []
    const pages = () => host.db.selectFrom('page').select(['pageId', 'name']).orderBy('pageId').execute()
    let longestMs = 0
    // Both at once, as when the machine's clock is set, and each alone, as on two machines.
    const jumps: [number, number][] = [
      [HOUR_MS, HOUR_MS],
      [-HOUR_MS, -HOUR_MS],
      [-HOUR_MS, 0],
      [2 * HOUR_MS, -HOUR_MS],
      [-HOUR_MS, HOUR_MS],
    ]
    for (const [here, there] of jumps) {
      clocks[0].jump(here)
      clocks[1].jump(there)
      for (let index = 0; index < 20; index++) {
        const event = await host.engine.syncManager.addSyncEvent(
          site,
          EntityNames.Page,
          raised.length,
          'Update',
        )
        raised.push(event.id)
      }
      const since = performance.now()
      // Where a jump ends a lease, the other node takes over; the hour does not have to pass.
      await waitFor(
        async () => raised.every((id) => handled.includes(id)) && (await pages()).length === raised.length,
        'the events after a jump to be handled',
      )
      longestMs = Math.max(longestMs, performance.now() - since)
    }
    await waitFor(() => heard.length >= raised.length, 'the broadcasts')

    const counts = `${raised.length} events, ${jumps.length} jumps, ${handled.length - raised.length} repeated, at most ${Math.round(longestMs)} ms after a jump`
    await annotate(counts)
    expect(new Set(handled)).toEqual(new Set(raised))
    expect((await pages()).map(({ name }) => name)).toEqual(raised)
    expect(heard).toEqual(raised)
    expect([...raised].sort(), 'ids ascend').toEqual(raised)
    if (dialect === 'postgres') {
      // Nothing is taken over there.
      expect(handled, counts).toEqual(raised)
    }
  })
})

it('takes a lease over that an unknown host has left behind before the clock was set back', async () => {
  await using host = await openEngine({ leaseMs: LEASE_MS })
  await leaveLease(host, Date.now() + HOUR_MS)
  const handled: unknown[] = []
  await host.engine.subscribe(
    { entityChanged: (event: SyncEvent) => void handled.push(event.entityId) },
    { name: 'each', mode: 'durable' },
  )
  await host.engine.start()
  await host.engine.syncManager.addSyncEvent(site, EntityNames.Page, 1, 'Update')
  await waitFor(() => handled.length === 1, 'the lease to be taken over')
})

/** As a host would have that shared the file from another machine, or from another container. */
async function leaveLease(host: OpenEngine, until: number): Promise<void> {
  await host.db
    .insertInto('xe_subscription' as never)
    .values({
      name: 'each',
      position: 's.0',
      leased_by: 'elsewhere:1:0:0123456789ab',
      leased_until: until,
    } as never)
    .execute()
}
