import { EntityNames, type SyncEvent, SyncEventActions } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { postgresDatabase } from '@x/testkit/postgres'
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { expect, it } from 'vitest'
import { createEventEngine, eventLogMigrations } from '../../src/index.ts'
import { type HostTables, onEachDatabase, site } from '../open-engine.ts'

/** The migrations of a host, with the engine's between its own. */
async function migrateAsHost(db: Kysely<never>, dialect: 'sqlite' | 'postgres', tablePrefix: string) {
  const renamed = Object.entries(eventLogMigrations({ dialect, tablePrefix })).map(
    ([name, migration]) => [`2026-11-24_${name}`, migration] as const,
  )
  const migrations: Record<string, Migration> = {
    '2026-01-01_folder': {
      up: (trx) => trx.schema.createTable('folder').addColumn('id', 'integer').execute(),
    },
    ...Object.fromEntries(renamed),
    '2026-12-01_file': { up: (trx) => trx.schema.createTable('file').addColumn('id', 'integer').execute() },
  }
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const { error, results = [] } = await migrator.migrateToLatest()
  if (error) throw error
  return results.map(({ migrationName }) => migrationName)
}

onEachDatabase((open, dialect) => {
  it('starts on tables that the migrations of the host have created', async () => {
    await using host = await open()
    const db = host.db as unknown as Kysely<never>
    const names = await migrateAsHost(db, dialect, 'own_')
    expect(names.at(0)).toBe('2026-01-01_folder')
    expect(names.at(-1)).toBe('2026-12-01_file')

    await using engine = createEventEngine({ db, tablePrefix: 'own_' })
    const events: SyncEvent[] = []
    await engine.subscribe(
      { entityChanged: (event) => void events.push(event) },
      { name: 'record', mode: 'durable' },
    )
    await engine.start()
    await engine.transaction(({ raise }) => raise(site, EntityNames.Page, 1, SyncEventActions.Create))
    await waitFor(() => events.length === 1, 'the event')
  })

  it('may change from one way of migrating to the other', async () => {
    await using host = await open()
    const db = host.db as unknown as Kysely<never>
    const event = await host.engine.syncManager.addSyncEvent(site, EntityNames.File, 1, 'Download')

    await migrateAsHost(db, dialect, 'xe_')
    await host.engine.migrate()

    await host.engine.start()
    const { rows } = await sql<{ id: string }>`select id from xe_sync_event`.execute(host.db)
    expect(rows).toEqual([{ id: event.id }])
  })

  it('does not start on older tables than it needs, nor on newer ones than it knows', async () => {
    await using host = await open()
    const { engine } = host
    const known = Object.keys(eventLogMigrations({ dialect })).length
    const setVersion = (version: number) =>
      sql`update xe_log_state set schema_version = ${version}`.execute(host.db)

    await setVersion(known - 1)
    await expect(engine.start()).rejects.toMatchObject({ code: 'not_migrated' })
    await setVersion(known + 1)
    await expect(engine.start()).rejects.toMatchObject({ code: 'schema_too_new' })
    await expect(engine.migrate()).rejects.toMatchObject({ code: 'schema_too_new' })
    await setVersion(known)
    await engine.start()
  })

  it('keeps apart the logs of one database', async () => {
    await using host = await open()
    await using engine = createEventEngine({ db: host.db, tablePrefix: 'second_' })
    await engine.migrate()
    await engine.start()
    const { rows } = await sql<{ logs: number | string }>`select count(distinct log_id) as logs from
      (select log_id from xe_log_state union all select log_id from second_log_state) states`.execute(host.db)
    expect(Number(rows[0]?.logs)).toBe(2)
  })
})

it('finds tables that are kept in a schema of their own', async () => {
  await using database = await postgresDatabase<HostTables>()
  await using engine = createEventEngine({ db: database.db, schema: 'events' })
  await engine.migrate()
  await engine.start()
  const { rows } = await sql<{ name: string }>`select table_name as name from information_schema.tables
    where table_schema = 'public'`.execute(database.db)
  expect(rows).toEqual([])
})

it('names the option that is wrong', () => {
  const migrations = (options: object) => () => eventLogMigrations(options as never)
  expect(migrations({ dialect: 'mysql' })).toThrow('options.dialect')
  expect(migrations({ dialect: 'sqlite', tablePrefix: 'a-b' })).toThrow('options.tablePrefix')
})
