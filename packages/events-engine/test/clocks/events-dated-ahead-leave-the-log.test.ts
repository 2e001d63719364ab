import { systemClock } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { CompiledQuery, sql } from 'kysely'
import { expect, it } from 'vitest'
import { openStream, sseServer } from '../feed/sse-server.ts'
import { onEachDatabase, openEngine } from '../open-engine.ts'

const HOUR = 60 * 60 * 1_000
const DAY = 24 * HOUR

onEachDatabase((open, dialect) => {
  type Host = Awaited<ReturnType<typeof open>>

  /** Events as raised by a clock that is so far from the right one. */
  async function insert(host: Host, count: number, byMs: number): Promise<void> {
    const time = dialect === 'sqlite' ? Date.now() + byMs : `now() + ${byMs} * interval '1 millisecond'`
    await host.db.executeQuery(
      CompiledQuery.raw(`insert into xe_sync_event (id, tenant_id, site_id, entity_name, entity_id, action, modified_on)
        select 'evt_${byMs}_' || n, 1, 1, 'Page', '1', 'Update', ${time} from (
          with recursive s(n) as (select 1 union all select n + 1 from s where n < ${count}) select n from s) numbers`),
    )
  }
  const kept = async (host: Host) => {
    const { rows } = await sql<{ count: number }>`select count(*) as count from xe_sync_event`.execute(
      host.db,
    )
    return Number(rows[0]?.count)
  }
  const retention = { keepMs: HOUR, intervalMs: 20 }

  it.each([3, 1_700])(
    'deletes %i events dated ahead once those that came after them are old',
    async (ahead) => {
      await using host = await open({ retention })
      await insert(host, 5, -2 * HOUR)
      await insert(host, ahead, DAY)
      await insert(host, 700, -2 * HOUR)
      await insert(host, 4, 0)
      await host.engine.start()
      await waitFor(async () => (await kept(host)) === 4, 'the old events, and those before them')
    },
  )

  it('keeps events dated ahead while nothing that came after them is old', async () => {
    await using host = await open({ retention })
    await insert(host, 5, -2 * HOUR)
    await insert(host, 600, DAY)
    await insert(host, 4, 0)
    await host.engine.start()
    await waitFor(async () => (await kept(host)) === 604, 'the old events to be deleted')
    await host.engine.stop()
    expect(await kept(host)).toBe(604)
  })
})

it('holds a log back for no longer where a subscription was abandoned by a clock that was ahead', async () => {
  await using host = await openEngine({ retention: { keepMs: 1, intervalMs: 20, abandonedAfterMs: HOUR } })
  await host.engine.subscribe({ entityChanged() {} }, { name: 'gone', mode: 'durable' })
  await host.engine.start()
  await host.engine.unsubscribe('gone')
  await sql`update xe_subscription set leased_until = ${Date.now() + 365 * DAY}`.execute(host.db)
  const until = async () => {
    const { rows } = await sql<{ leased_until: number }>`select leased_until from xe_subscription`.execute(
      host.db,
    )
    return rows[0]?.leased_until ?? 0
  }
  await waitFor(async () => (await until()) <= Date.now() + DAY, 'the end of its last lease to be put right')
})

it('ends a stream at its age although the clock was set back meanwhile', async () => {
  let offsetMs = 0
  const clock = { now: () => Date.now() + offsetMs, schedule: systemClock.schedule }
  await using host = await openEngine()
  await host.engine.start()
  await using server = await sseServer(host, { clock, heartbeatMs: 100, maxAgeMs: 1_000 })
  await using stream = await openStream(server.url)
  await stream.synced()
  offsetMs = -DAY
  await stream.ended
  expect(stream.incoming.complete).toBe(true)
})
