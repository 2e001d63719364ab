import { EntityNames, type SyncEvent } from '@x/events-core'
import { manualClock, waitFor } from '@x/testkit'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { onEachDatabase, recordingLogger, site } from '../open-engine.ts'

const HOUR = 60 * 60 * 1_000

onEachDatabase((open, dialect) => {
  type Host = Awaited<ReturnType<typeof open>>
  const raise = (host: Host, id: number) =>
    host.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Download')
  const kept = async (host: Host) => {
    const { rows } = await sql<{
      entity_id: string
    }>`select entity_id from xe_sync_event order by seq`.execute(host.db)
    return rows.map((row) => Number(row.entity_id))
  }
  /** Ages what is there: the database's clock is not ours to set. */
  const age = (host: Host, ms: number) =>
    dialect === 'sqlite'
      ? sql`update xe_sync_event set modified_on = modified_on - ${ms}`.execute(host.db)
      : sql`update xe_sync_event set modified_on = modified_on - ${ms} * interval '1 millisecond'`.execute(
          host.db,
        )
  const retention = { keepMs: HOUR, intervalMs: 20 }

  it('deletes what is older than the window, once every subscription has passed it', async () => {
    await using host = await open({ retention })
    const seen: number[] = []
    const subscriber = { entityChanged: (event: SyncEvent) => void seen.push(Number(event.entityId)) }
    await host.engine.subscribe(subscriber, { name: 'quick', mode: 'durable' })
    await host.engine.subscribe(subscriber, { name: 'held', mode: 'durable' })
    await host.engine.start()
    await host.engine.subscriptions.pause('held')
    await waitFor(
      async () => (await host.engine.subscriptions.list())[0]?.leasedBy === undefined,
      'the pause',
    )
    for (const id of [1, 2]) await raise(host, id)
    await waitFor(() => seen.length === 2, 'the quick subscription')
    await age(host, 2 * HOUR)
    await raise(host, 3)
    await waitFor(() => seen.length === 3, 'the young event')
    // Deleted it must not be: a second and a third clean-up have found nothing to delete either.
    await host.engine.stop()
    await host.engine.start()
    await waitFor(async () => (await kept(host)).length === 3, 'the events that are still needed')
    await host.engine.subscriptions.resume('held')
    await waitFor(async () => (await kept(host)).length === 1, 'the old events to be deleted')
    expect(await kept(host)).toEqual([3])
    expect(seen.length).toBe(6)
  })

  it('does not keep the log for a subscription that nobody has run for long, and says so', async () => {
    const logger = recordingLogger()
    await using host = await open({ retention: { ...retention, abandonedAfterMs: 50 }, logger })
    await host.engine.subscribe({ entityChanged() {} }, { name: 'gone', mode: 'durable' })
    await host.engine.start()
    await host.engine.unsubscribe('gone')
    await raise(host, 1)
    await age(host, 2 * HOUR)
    await waitFor(async () => (await kept(host)).length === 0, 'the old event to be deleted')
    await waitFor(
      () => logger.messages.some((message) => message.includes('events are deleted unhandled')),
      'the warning',
    )
    await host.engine.subscribe({ entityChanged() {} }, { name: 'gone', mode: 'durable' })
    expect(logger.messages).toContain('Events were deleted that the subscription has not handled')
  })

  it('tells a reader of the feed whose events are gone', async () => {
    await using host = await open({ retention })
    await host.engine.start()
    await raise(host, 0)
    const follow = (after?: string) => host.engine.feed({ tenantId: 1, after })[Symbol.asyncIterator]()
    const live = follow()
    const first = live.next()
    await waitFor(async () => {
      await raise(host, 1)
      return Promise.race([first, undefined])
    }, 'the feed to be live')
    const position = (await first).value?.position
    for (const id of [2, 3]) await raise(host, id)
    await age(host, 2 * HOUR)
    await waitFor(async () => (await kept(host)).length === 0, 'the old events to be deleted')
    await expect(follow(position).next()).rejects.toMatchObject({ code: 'position_expired' })
  })

  it('deletes many in small batches, between which others get their turn', async () => {
    const clock = manualClock()
    await using host = await open({ retention: { keepMs: HOUR, intervalMs: 1_000 }, clock })
    await host.engine.start()
    await Promise.all(Array.from({ length: 1_200 }, (_, index) => raise(host, index)))
    await age(host, 2 * HOUR)
    await waitFor(async () => {
      await clock.advance(1_000)
      return (await kept(host)).length === 0
    }, 'all old events to be deleted')
  })
})
