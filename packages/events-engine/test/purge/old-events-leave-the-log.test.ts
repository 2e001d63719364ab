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

  /** Whether no transaction is open that is older than the events: of one it cannot be known whether it has raised any. */
  async function isAllOver(host: Host): Promise<boolean> {
    const young = sql`select xid from xe_sync_event where xid >= pg_snapshot_xmin(pg_current_snapshot())`
    const { rows } = await young.execute(host.db)
    return rows.length === 0
  }

  /** The place before what was raised at a time or later, at which the only subscription then waits. */
  async function placeAt(host: Host, time: Date): Promise<string> {
    await host.engine.subscriptions.rewind('files', time)
    const [info] = await host.engine.subscriptions.list()
    return info?.position as string
  }

  async function readAfter(host: Host, after: string) {
    const { value } = await host.engine.feed({ tenantId: 1, after })[Symbol.asyncIterator]().next()
    return value?.event.entityId
  }

  it('tells only those whose events are gone, in the midst of what they catch up with, too', async () => {
    const logger = recordingLogger()
    await using host = await open({ retention, logger })
    await host.engine.subscribe({ entityChanged() {} }, { name: 'files', mode: 'durable' })
    await host.engine.start()
    await host.engine.subscriptions.pause('files')
    const raised: SyncEvent[] = []
    const raiseLater = async (id: number) => {
      const before = raised.at(-1)?.modifiedOn.getTime() ?? 0
      await waitFor(() => Date.now() > before, 'another date than that of the event before')
      raised.push(await raise(host, id))
    }
    const dateOf = (id: number) => (raised[id - 1] as SyncEvent).modifiedOn
    for (const id of [1, 2, 3]) await raiseLater(id)
    const gone = await placeAt(host, dateOf(3))
    await age(host, 2 * HOUR)
    if (dialect === 'postgres') await waitFor(() => isAllOver(host), 'the transactions of other tests')
    for (const id of [4, 5, 6]) await raiseLater(id)
    const places = [await placeAt(host, dateOf(4)), await placeAt(host, dateOf(5))]
    await waitFor(async () => (await kept(host)).length === 3, 'the old events to be deleted')
    await expect(readAfter(host, gone)).rejects.toMatchObject({ code: 'position_expired' })
    places.push(await placeAt(host, dateOf(6)))
    expect(await Promise.all(places.map((place) => readAfter(host, place)))).toEqual([4, 5, 6])
    await host.engine.stop()
    await host.engine.start()
    expect(logger.messages).not.toContain('Events were deleted that the subscription has not handled')
  })

  // On SQLite, no transaction commits behind what was read already.
  it.runIf(dialect === 'postgres')('tells those whose events were committed late, too', async () => {
    await using host = await open({ retention })
    await host.engine.subscribe({ entityChanged() {} }, { name: 'files', mode: 'durable' })
    await host.engine.start()
    await host.engine.subscriptions.pause('files')
    const raised = Promise.withResolvers<void>()
    const committing = Promise.withResolvers<void>()
    const late = host.db.transaction().execute(async (trx) => {
      await sql`insert into xe_sync_event (id, tenant_id, site_id, entity_name, entity_id, action, modified_on)
        values ('evt_late', 1, 7, 'File', '0', 'Download', now() - interval '2 hours')`.execute(trx)
      raised.resolve()
      await committing.promise
    })
    await raised.promise
    for (const id of [1, 2]) await raise(host, id)
    await age(host, 2 * HOUR)
    const { modifiedOn } = await raise(host, 3)
    const place = await placeAt(host, modifiedOn)
    committing.resolve()
    await late
    await placeAt(host, modifiedOn)
    await waitFor(async () => (await kept(host)).length === 1, 'the old events to be deleted')
    await expect(readAfter(host, place)).rejects.toMatchObject({ code: 'position_expired' })
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
