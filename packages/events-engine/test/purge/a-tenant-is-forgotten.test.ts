import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ALL_TENANTS, EntityNames, type SyncEvent } from '@x/events-core'
import { findText, temporaryFolder, waitFor } from '@x/testkit'
import Database from 'better-sqlite3'
import { CompiledQuery, Kysely, SqliteDialect, sql } from 'kysely'
import { expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { type HostTables, type OpenEngine, onEachDatabase, recordingLogger } from '../open-engine.ts'
import { openWatchedDatabase } from '../watch-queries.ts'

type Host = Pick<OpenEngine, 'db' | 'engine'>

/** What only one tenant's rows contain. */
const SECRET = 'marble-otter-7261'
const forgotten = 1
const kept = 2
const quick = { maxAttempts: 1, firstDelayMs: 1, maxDelayMs: 1 }

function raise(host: Host, tenantId: number, count = 1): Promise<SyncEvent[]> {
  return Promise.all(
    Array.from({ length: count }, (_, id) =>
      host.engine.syncManager.addSyncEvent({ tenantId, siteId: 1 }, EntityNames.Page, id, 'Update', {
        data: { text: tenantId === forgotten ? SECRET : `of tenant ${tenantId}` },
      }),
    ),
  )
}

async function tenantsInLog(host: Host): Promise<number[]> {
  const { rows } = await sql<{ tenant_id: number | string }>`
    select tenant_id from xe_sync_event order by seq`.execute(host.db)
  return rows.map((row) => Number(row.tenant_id))
}

/** Handles what may be handled, and fails for one tenant with its text. */
const failing = {
  entityChanged(event: SyncEvent) {
    if (event.tenantId === forgotten) throw new Error(`cannot handle ${JSON.stringify(event.data)}`)
  },
}

async function stateOf(engine: OpenEngine['engine'], name: string) {
  return (await engine.subscriptions.list()).find((one) => one.name === name)
}

onEachDatabase((open, dialect) => {
  it('leaves no text of a tenant in any table, and everything of the others', async () => {
    await using host = await open()
    const { engine } = host
    await engine.subscribe(failing, { name: 'parks', mode: 'durable', retry: quick })
    await engine.subscribe(failing, { name: 'blocks', mode: 'durable', retry: quick, onExhausted: 'block' })
    await engine.start()
    await raise(host, forgotten, 45)
    await raise(host, kept, 2)
    await raise(host, ALL_TENANTS)
    await waitFor(async () => (await engine.subscriptions.parked('parks')).length === 45, 'parked events')
    await waitFor(async () => (await stateOf(engine, 'blocks'))?.state === 'blocked', 'the block')
    // Rows that a capture has remembered for a change that did not happen.
    if (dialect === 'sqlite') {
      const insert = 'insert into xe_capture_replaced (source, tenant_id, site_id, data) values (?, ?, ?, ?)'
      await host.db.executeQuery(CompiledQuery.raw(insert, ['page', forgotten, 1, SECRET]))
    }
    const before = await findText(host.db, SECRET)
    expect(before).toEqual(
      expect.arrayContaining([
        'xe_parked_event.error',
        'xe_parked_event.event',
        'xe_subscription.last_error',
        'xe_sync_event.data',
      ]),
    )

    expect(await engine.purgeTenant(forgotten)).toEqual({ events: 45, parkedEvents: 45 })

    expect(await findText(host.db, SECRET)).toEqual([])
    expect((await tenantsInLog(host)).sort()).toEqual([ALL_TENANTS, kept, kept])
    // What the tenant's event blocked goes on.
    await waitFor(async () => {
      const behind = (await engine.stats()).subscriptions
      return behind.every(({ lagEvents }) => lagEvents === 0)
    }, 'both subscriptions to go on')
    expect(await stateOf(engine, 'blocks')).toMatchObject({ state: 'active', parked: 0 })
    expect(await engine.purgeTenant(forgotten), 'once more').toEqual({ events: 0, parkedEvents: 0 })
  })

  it('refuses what is not one tenant, and knows tenant 0', async () => {
    await using host = await open()
    await raise(host, 0, 2)
    await raise(host, ALL_TENANTS, 1)
    for (const value of [ALL_TENANTS, 1.5, Number.NaN, '1', undefined]) {
      await expect(host.engine.purgeTenant(value as number)).rejects.toMatchObject({
        code: 'invalid_argument',
      })
    }
    expect(await host.engine.purgeTenant(0)).toMatchObject({ events: 2 })
    expect(await tenantsInLog(host)).toEqual([ALL_TENANTS])
  })

  it('does not fail, park or repeat anything of others while subscribers are in the midst of its events', async () => {
    const logger = recordingLogger()
    await using host = await open({ logger })
    const { engine } = host
    const seen: Record<string, string[]> = { alone: [], keys: [], batch: [] }
    const begun = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    /** Is at the tenant's first event when it is purged; then finds nothing of it, and fails. */
    const handle = (name: string) => async (event: SyncEvent) => {
      if (event.tenantId === forgotten) {
        begun.resolve()
        await gone.promise
        throw new Error(`nothing is left of ${SECRET}`)
      }
      seen[name]?.push(event.id)
    }
    const retry = { maxAttempts: 2, firstDelayMs: 1, maxDelayMs: 1 }
    await engine.subscribe({ entityChanged: handle('alone') }, { name: 'alone', mode: 'durable', retry })
    await engine.subscribe(
      { entityChanged: handle('keys') },
      { name: 'keys', mode: 'durable', retry, concurrency: 4, orderBy: 'tenant', onExhausted: 'block' },
    )
    await engine.start()
    await raise(host, forgotten, 40)
    const events = await raise(host, kept, 40)
    await begun.promise
    const purged = await engine.purgeTenant(forgotten)
    gone.resolve()
    expect(purged).toEqual({ events: 40, parkedEvents: 0 })
    for (const name of ['alone', 'keys']) {
      await waitFor(() => (seen[name]?.length ?? 0) >= 40, `the other tenant's events (${name})`)
      expect(new Set(seen[name])).toEqual(new Set(events.map(({ id }) => id)))
    }
    await waitFor(async () => {
      const { subscriptions } = await engine.stats()
      return subscriptions.every(({ lagEvents }) => lagEvents === 0)
    }, 'both to have caught up')
    for (const name of ['alone', 'keys']) {
      expect(await stateOf(engine, name)).toMatchObject({ state: 'active', parked: 0, lastError: undefined })
    }
    expect(await findText(host.db, SECRET)).toEqual([])
    expect(logger.messages).toContain('A failed event was purged meanwhile; going on')
  })

  it('lets a batch subscriber that is in the midst of its events go on with those of others', async () => {
    await using host = await open()
    const { engine } = host
    const handled: string[] = []
    let purging: Promise<unknown> | undefined
    await engine.subscribe(
      {
        async entitiesChanged(events, { trx }) {
          if (events.some(({ tenantId }) => tenantId === forgotten)) {
            // Waits for this batch on PostgreSQL, and for the connection on SQLite.
            purging ??= engine.purgeTenant(forgotten)
            throw new Error(SECRET)
          }
          await trx
            .insertInto('page')
            .values(events.map(({ id }) => ({ pageId: handled.push(id), name: id })))
            .execute()
        },
      },
      { name: 'batch', mode: 'durable', batchSize: 5, retry: { ...quick, maxAttempts: 3 } },
    )
    await engine.start()
    await raise(host, forgotten, 12)
    await raise(host, kept, 12)
    await waitFor(() => handled.length === 12, "the other tenant's events")
    await purging
    expect(await findText(host.db, SECRET)).toEqual([])
    expect(await stateOf(engine, 'batch')).toMatchObject({ state: 'active', parked: 0 })
  })

  it('leaves positions valid, and readers of the feed go on behind what is gone', async () => {
    await using host = await open()
    const { engine } = host
    await engine.start()
    const ending = new AbortController()
    const heard: string[] = []
    const follow = async (after?: string) => {
      const positions: string[] = []
      for await (const { event, position } of engine.feed({ tenantId: kept, after, signal: ending.signal })) {
        heard.push(event.id)
        positions.push(position)
      }
      return positions
    }
    const live = follow()
    let events = await raise(host, kept)
    await waitFor(async () => {
      if (heard.length === 0) events = [...events, ...(await raise(host, kept))]
      return heard.length > 0
    }, 'the feed to be live')
    await raise(host, forgotten, 600)
    const between = await raise(host, kept, 3)
    await raise(host, forgotten, 600)
    // In the middle of the tenant's events, on a page of which nothing is left.
    const own = engine.feed({ tenantId: forgotten, after: await firstPosition(host), signal: ending.signal })
    const reader = own[Symbol.asyncIterator]()
    const first = await reader.next()
    const middle: string = first.value?.position ?? ''
    await engine.purgeTenant(forgotten)
    const after = await raise(host, kept, 2)
    await waitFor(() => heard.includes(after[1]?.id ?? ''), 'the live feed to go on')
    for (const { id } of [...between, ...after]) expect(heard).toContain(id)
    // A reader that resumes there, of either tenant.
    const resumed: SyncEvent[] = []
    const again = new AbortController()
    const reading = (async () => {
      for await (const { event } of engine.feed({ tenantId: kept, after: middle, signal: again.signal })) {
        resumed.push(event)
      }
    })()
    await waitFor(() => resumed.length >= 5, 'what comes behind')
    expect(resumed.map(({ id }) => id)).toEqual([...between, ...after].map(({ id }) => id))
    const [fresh] = await raise(host, forgotten)
    const next = engine.feed({ tenantId: forgotten, after: middle, signal: again.signal })
    expect((await next[Symbol.asyncIterator]().next()).value?.event.id, 'what is raised afterwards').toBe(
      fresh?.id,
    )
    ending.abort()
    again.abort()
    await Promise.all([live, reading])
    expect(await engine.syncManager.getSyncEvents(forgotten, new Date(0))).toEqual([])
  })

  it('gives no position out again when the newest events of the log were purged', async () => {
    await using host = await open()
    const { engine } = host
    const handled: string[] = []
    await engine.subscribe(
      { entityChanged: ({ id }) => void handled.push(id) },
      { name: 'each', mode: 'durable' },
    )
    await engine.start()
    const old = await raise(host, forgotten, 5)
    await waitFor(() => handled.length === 5, 'the events')
    await engine.stop()
    await engine.purgeTenant(forgotten)
    expect(await tenantsInLog(host)).toEqual([])
    const young = await raise(host, kept, 5)
    await engine.start()
    await waitFor(() => handled.length === 10, 'the events behind those that are gone')
    expect(handled).toEqual([...old, ...young].map(({ id }) => id))
  })

  it('deletes a hundred thousand events in batches of 500 rows, between which others raise', async ({
    annotate,
  }) => {
    let deletions = 0
    await using watched = await openWatchedDatabase(dialect, ({ sql: text }) => {
      if (text.startsWith('delete from xe_sync_event')) deletions += 1
    })
    const engine = createEventEngine({ db: watched.db })
    await engine.migrate()
    const host = { db: watched.db, engine }
    const modifiedOn = dialect === 'sqlite' ? '1' : 'now()'
    await host.db.executeQuery(
      CompiledQuery.raw(`insert into xe_sync_event
        (id, tenant_id, site_id, entity_name, entity_id, action, modified_on)
        select 'evt_' || n, 1 + (n % 2), 1, 'Page', '1', 'Update', ${modifiedOn} from (
          with recursive s(n) as (select 1 union all select n + 1 from s where n < 200000) select n from s) numbers`),
    )
    let raised = 0
    let done = false
    const raising = (async () => {
      while (!done) {
        raised += (await raise(host, kept)).length
        await new Promise(setImmediate)
      }
    })()
    const { events } = await engine.purgeTenant(forgotten).finally(() => {
      done = true
    })
    await raising
    expect(events).toBe(100_000)
    await annotate(`${deletions} deletions, ${raised} raised meanwhile`)
    expect(deletions).toBe(400)
    expect(raised).toBeGreaterThan(100)
    expect((await tenantsInLog(host)).length).toBe(100_000 + raised)
  })

  it('may be begun on two nodes at once', async () => {
    await using host = await open()
    await using other = createEventEngine({ db: host.db, pollMaxMs: 50 })
    await raise(host, forgotten, 1_200)
    await raise(host, kept, 10)
    const purges = await Promise.all(
      [host.engine, other, host.engine].map((one) => one.purgeTenant(forgotten)),
    )
    expect(purges.reduce((sum, { events }) => sum + events, 0)).toBe(1_200)
    expect((await tenantsInLog(host)).length).toBe(10)
  })
})

/** The position before everything that is kept. */
async function firstPosition(host: Host): Promise<string> {
  const name = 'first'
  await host.engine.subscribe({ entityChanged() {} }, { name, mode: 'durable', from: 'start' })
  await host.engine.subscriptions.pause(name)
  await host.engine.subscriptions.rewind(name, 'start')
  return (await stateOf(host.engine, name))?.position ?? ''
}

it('overwrites what it deletes in a SQLite file, whose other text VACUUM takes away', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'host.db')
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  await using db = new Kysely<HostTables>({ dialect: new SqliteDialect({ database }) })
  const engine = createEventEngine({ db })
  await engine.migrate()
  const host = { db, engine }
  const bytes = () => {
    database.pragma('wal_checkpoint(truncate)')
    const files = [file, `${file}-wal`].filter(existsSync)
    return Buffer.concat(files.map((one) => readFileSync(one)))
  }
  await raise(host, kept, 50)
  await raise(host, forgotten, 500)
  await raise(host, kept, 50)
  expect(bytes().includes(SECRET)).toBe(true)
  await engine.purgeTenant(forgotten)
  expect(bytes().includes(SECRET)).toBe(false)
  expect(database.pragma('secure_delete', { simple: true }), 'as the host had it').toBe(0)

  // What was deleted before it is asked for, by retention for instance.
  await raise(host, forgotten, 500)
  database.exec(`delete from xe_sync_event where tenant_id = ${forgotten}`)
  await engine.purgeTenant(forgotten)
  expect(bytes().includes(SECRET)).toBe(true)
  database.exec('vacuum')
  expect(bytes().includes(SECRET)).toBe(false)
})
