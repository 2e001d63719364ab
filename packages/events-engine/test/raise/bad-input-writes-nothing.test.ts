import { EntityNames } from '@x/events-core'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { describe, expect, it } from 'vitest'
import { createEventEngine, EventEngineError } from '../../src/index.ts'
import { type HostTables, openEngine, site } from '../open-engine.ts'

function cyclic() {
  const value: Record<string, unknown> = {}
  value['self'] = value
  return value
}

describe('what is raised', () => {
  it.each<[string, unknown[], string]>([
    [
      'a tenant that is no integer',
      [{ tenantId: 1.5, siteId: 1 }, 'File', 1, 'Download'],
      'invalid_argument',
    ],
    ['no tenant', [undefined, 'File', 1, 'Download'], 'invalid_argument'],
    ['a site that is a text', [{ tenantId: 1, siteId: '1' }, 'File', 1, 'Download'], 'invalid_argument'],
    ['an empty entity name', [site, '', 1, 'Download'], 'invalid_argument'],
    ['an entity name with a full stop', [site, 'File.Download', 1, 'Download'], 'invalid_argument'],
    ['an action with a line break', [site, 'File', 1, 'Down\nload'], 'invalid_argument'],
    ['an entity id that is no number', [site, 'File', Number.NaN, 'Download'], 'invalid_argument'],
    ['an empty entity id', [site, 'File', '', 'Download'], 'invalid_argument'],
    ['an endless entity id', [site, 'File', 'x'.repeat(513), 'Download'], 'invalid_argument'],
    ['half a surrogate pair', [site, 'File', '\ud800', 'Download'], 'invalid_argument'],
    ['a BigInt in the data', [site, 'File', 1, 'Download', { data: { size: 1n } }], 'invalid_data'],
    ['a cycle in the data', [site, 'File', 1, 'Download', { data: cyclic() }], 'invalid_data'],
    ['a function as data', [site, 'File', 1, 'Download', { data: () => 1 }], 'invalid_data'],
    ['too much data', [site, 'File', 1, 'Download', { data: 'x'.repeat(262_143) }], 'data_too_large'],
    ['something else as trx', [site, 'File', 1, 'Download', { trx: {} }], 'not_a_transaction'],
  ])('refuses %s', async (_what, args, code) => {
    await using host = await openEngine()
    const raise = host.engine.syncManager.addSyncEvent as (...args: unknown[]) => Promise<unknown>
    const error = await raise.apply(host.engine.syncManager, args).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(EventEngineError)
    expect(error).toMatchObject({ code })
    const { rows } = await host.db.executeQuery({
      ...host.db.selectFrom('page').selectAll().compile(),
      sql: 'select * from xe_sync_event',
    })
    expect(rows).toEqual([])
  })

  it('refuses a database where a transaction is meant', async () => {
    await using host = await openEngine()
    const raising = host.engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download', {
      trx: host.db as never,
    })
    await expect(raising).rejects.toMatchObject({ code: 'not_a_transaction' })
  })

  it('refuses a transaction of another database', async () => {
    await using host = await openEngine()
    await using other = await openEngine()
    const raising = other.db
      .transaction()
      .execute((trx) => host.engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download', { trx }))
    await expect(raising).rejects.toMatchObject({ code: 'wrong_database' })
  })

  it('refuses to raise beside the transaction that it is called in, which would wait for itself', async () => {
    await using host = await openEngine()
    const raising = host.engine.transaction(() =>
      host.engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download'),
    )
    await expect(raising).rejects.toMatchObject({ code: 'trx_required' })
  })
})

describe('an engine', () => {
  it('does not start on a database that was not migrated', async () => {
    await using db = new Kysely<HostTables>({
      dialect: new SqliteDialect({ database: new Database(':memory:') }),
    })
    const engine = createEventEngine({ db })
    await expect(engine.start()).rejects.toMatchObject({ code: 'not_migrated' })
    await engine.migrate()
    await engine.start()
    await engine.stop()
  })

  it.each([
    ['tablePrefix', { tablePrefix: 'x; drop table page' }],
    ['leaseMs', { leaseMs: 1 }],
    ['pollMaxMs', { pollMinMs: 100, pollMaxMs: 10 }],
    ['maxDataBytes', { maxDataBytes: Number.NaN }],
  ])('names the option %s when its value is wrong', async (name, options) => {
    await using host = await openEngine()
    expect(() => createEventEngine({ db: host.db, ...options })).toThrow(`options.${name}`)
  })

  it('refuses two subscriptions of one name', async () => {
    await using host = await openEngine()
    const subscriber = { entityChanged() {} }
    await host.engine.subscribe(subscriber, { name: 'twice', mode: 'durable' })
    await expect(
      host.engine.subscribe(subscriber, { name: 'twice', mode: 'broadcast' }),
    ).rejects.toMatchObject({
      code: 'duplicate_subscription',
    })
  })

  it.each([
    [{ name: '', mode: 'durable' as const }],
    [{ name: 'a', mode: 'sometimes' as never }],
    [{ name: 'a', mode: 'durable' as const, filter: 'File.Down*' }],
    [{ name: 'a', mode: 'durable' as const, retry: { maxAttempts: 0 } }],
    [{ name: 'a', mode: 'durable' as const, batchSize: 0 }],
    [{ name: 'a', mode: 'durable' as const, timeoutMs: -1 }],
  ])('refuses the subscription %j', async (options) => {
    await using host = await openEngine()
    await expect(host.engine.subscribe({ entityChanged() {} }, options)).rejects.toMatchObject({
      code: 'invalid_option',
    })
  })

  it('refuses a batch subscriber without a stored position', async () => {
    await using host = await openEngine()
    const subscribing = host.engine.subscribe({ entitiesChanged() {} }, { name: 'a', mode: 'broadcast' })
    await expect(subscribing).rejects.toMatchObject({ code: 'invalid_option' })
  })
})
