import { EntityNames, type SyncEvent } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { onEachDatabase, site } from '../open-engine.ts'

onEachDatabase((open) => {
  it('keeps every event for a subscription that only the newer version of the host knows', async () => {
    const retention = { keepMs: 0, intervalMs: 10 }
    await using older = await open({ retention, leaseMs: 6_000 })
    const raise = async (...ids: number[]) => {
      for (const id of ids) await older.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Update')
    }
    const handled = { known: [] as unknown[], added: [] as unknown[] }
    const into = (list: unknown[]) => ({
      entityChanged: (event: SyncEvent) => void list.push(event.entityId),
    })
    const newer = async () => {
      const engine = createEventEngine({ db: older.db, pollMaxMs: 50, retention, leaseMs: 6_000 })
      await engine.subscribe(into(handled.known), { name: 'known', mode: 'durable' })
      await engine.subscribe(into(handled.added), { name: 'added', mode: 'durable' })
      await engine.start()
      return engine
    }
    await older.engine.subscribe(into(handled.known), { name: 'known', mode: 'durable' })
    await older.engine.start()
    await raise(1)

    // The new version comes up beside the old one, and goes down again, as in a deployment that is undone.
    const first = await newer()
    await raise(2)
    await waitFor(() => handled.added.length === 1, 'the new subscription')
    await first.stop()
    await raise(3, 4)
    await waitFor(() => handled.known.length === 4, 'the old version to handle what it knows')

    // The clean-up of the old version leaves what the new subscription has not had.
    const oldest = () =>
      older.db
        .selectFrom('xe_sync_event' as never)
        .select('entity_id' as never)
        .execute() as Promise<unknown[]>
    await waitFor(async () => (await oldest()).length === 2, 'the clean-up of what everybody has handled')
    await older.engine.stop()
    await raise(5)
    await using second = await newer()
    await raise(6)
    await waitFor(() => handled.added.length === 5 && handled.known.length === 6, 'the rest')
    expect(handled).toEqual({ known: [1, 2, 3, 4, 5, 6], added: [2, 3, 4, 5, 6] })
    await second.stop()
  })
})
