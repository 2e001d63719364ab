import { EntityNames } from '@x/events-core'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { onEachDatabase, site } from '../open-engine.ts'

onEachDatabase((open, dialect) => {
  it('says that the tables are missing, whatever is called', async () => {
    await using host = await open()
    const { db } = host
    const engine = createEventEngine({ db, tablePrefix: 'other_' })
    const { subscriptions, syncManager } = engine
    const raise = [site, EntityNames.File, 1, 'Download'] as const
    const calls: Record<string, () => Promise<unknown>> = {
      start: () => engine.start(),
      addSyncEvent: () => syncManager.addSyncEvent(...raise),
      'addSyncEvent in a transaction': () =>
        db.transaction().execute((trx) => syncManager.addSyncEvent(...raise, { trx })),
      transaction: () => engine.transaction(({ raise: inside }) => inside(...raise)),
      getSyncEvents: () => syncManager.getSyncEvents(1, new Date(0)),
      feed: async () => {
        for await (const _ of engine.feed({ tenantId: 1, signal: AbortSignal.timeout(10_000) })) return
      },
      'subscriptions.list': () => subscriptions.list(),
      'subscriptions.parked': () => subscriptions.parked('files'),
      'subscriptions.resume': () => subscriptions.resume('files'),
      'subscriptions.discard': () => subscriptions.discard('files'),
      'subscriptions.skip': () => subscriptions.skip('files'),
      'subscriptions.rewind': () => subscriptions.rewind('files', 'start'),
      'subscriptions.pause': () => subscriptions.pause('files'),
      stats: () => engine.stats(),
      captureTable: () =>
        engine.captureTable({ table: 'page', entityName: 'Page', entityId: 'pageId', tenantId: 1 }),
      purgeTenant: () => engine.purgeTenant(1),
    }
    for (const [name, call] of Object.entries(calls)) {
      const error = await call().catch((thrown: unknown) => thrown)
      expect(error, name).toMatchObject({
        name: 'EventEngineError',
        code: 'not_migrated',
        message: expect.stringMatching(/other_.*engine\.migrate\(\)/),
      })
    }
    // What the database has said is kept.
    await expect(subscriptions.list()).rejects.toMatchObject({
      cause: { message: expect.stringContaining('other_subscription') },
    })

    await engine.migrate()
    await syncManager.addSyncEvent(...raise)
    expect(await subscriptions.list()).toEqual([])
  })

  it('leaves the errors of the host as they are', async () => {
    await using host = await open()
    const { db, engine } = host
    const said = dialect === 'sqlite' ? /^no such table: \S+$/ : /^relation "\S+" does not exist$/
    for (const table of ['nowhere', 'other_sync_event', 'xe_sync_events']) {
      const failing = engine.transaction(({ trx }) => sql`select * from ${sql.table(table)}`.execute(trx))
      await expect(failing).rejects.toThrow(said)
      await expect(failing).rejects.not.toHaveProperty('code', 'not_migrated')
    }
    // Nor is it ours what a trigger of the host's on our table misses.
    const statements =
      dialect === 'sqlite'
        ? [
            `create table copied (id text)`,
            `create trigger copies after insert on xe_sync_event begin insert into copied values (new.event_id); end`,
            `drop table copied`,
          ]
        : [
            `create function copy_event() returns trigger language plpgsql as
              $$ begin insert into copied values (new.event_id); return new; end $$`,
            `create trigger copies after insert on xe_sync_event for each row execute function copy_event()`,
          ]
    for (const statement of statements) await sql.raw(statement).execute(db)
    const raising = engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download')
    await expect(raising).rejects.toThrow(/copied/)
    await expect(raising).rejects.not.toHaveProperty('code', 'not_migrated')
  })
})
