import { startProcess, type TestConsumer, testConsumer, waitFor } from '@x/testkit'
import { startPostgresServer } from '@x/testkit/postgres-server'
import { Pool } from 'pg'
import { expect, it as onSqlite } from 'vitest'
import { it, onPostgres } from '../each-database.ts'
import { encryptionKey, type OpenHost, openHost, site } from '../open-host.ts'
import type { KillPoint, RecordingHostOptions } from '../processes/recording-host.ts'

const EVENTS_AT_ONCE = 15

const KILLED_AT: readonly KillPoint[] = [
  { when: 'before', statement: 'write', nth: 1 },
  { when: 'after', statement: 'write', nth: 1 },
  { when: 'after', statement: 'write', nth: 2 },
  { when: 'before', statement: 'commit', nth: 1 },
  { when: 'after', statement: 'commit', nth: 1 },
]

const idOf = ({ rawBody }: { readonly rawBody: Buffer }): number => JSON.parse(String(rawBody)).data.entityId
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

const count = async (host: OpenHost, condition: string) => {
  const [row] = await host.run<{ n: unknown }>(
    `select count(*) as n from xe_webhook_delivery where ${condition}`,
  )
  return Number(row?.n)
}

/** Whatever was repeated has the id, and the body, of the first time. */
function expectSameAgain({ requests }: TestConsumer): void {
  const seen = new Map<number, string>()
  for (const request of requests) {
    const sent = `${request.headers['webhook-id']} ${request.rawBody}`
    expect(sent).toBe(seen.get(idOf(request)) ?? sent)
    seen.set(idOf(request), sent)
  }
}

it('loses nothing when it is killed between the statements of a record, again and again', async () => {
  await using host = await openHost()
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 20 })
  // Some have no response in time, so that they are stored where others are recorded.
  let holds = true
  const held = new Set<number>()
  const never = new Promise<number>(() => {})
  consumer.answer((request) => {
    const id = idOf(request)
    if (!holds || id % 5 !== 0 || held.has(id)) return 204
    held.add(id)
    return never
  })
  const script = new URL('../processes/recording-host.ts', import.meta.url)
  const start = (options: Pick<RecordingHostOptions, 'from' | 'to' | 'killAt'>) => {
    const all: RecordingHostOptions = {
      file: host.file,
      url: host.url,
      encryptionKey: encryptionKey.toString('hex'),
      ...options,
    }
    return startProcess(script, JSON.stringify(all))
  }
  let last = 0
  for (const killAt of KILLED_AT) {
    await using life = start({ from: last + 1, to: last + EVENTS_AT_ONCE, killAt })
    last += EVENTS_AT_ONCE
    await waitFor(() => life.ended, `its end ${JSON.stringify(killAt)}; ${life.errors}`, 90_000)
    expect(life.ended, life.errors).toEqual({ code: null, signal: 'SIGKILL' })
  }
  holds = false
  await using healthy = start({ from: 1, to: 0, killAt: undefined })
  await waitFor(() => healthy.lines.includes('drained'), `the rest; ${healthy.errors}`, 90_000)
  expect(await count(host, `state = 'succeeded'`)).toBe(last)
  expect(await count(host, 'true'), 'each once').toBe(last)
  expect(new Set(consumer.requests.map(idOf))).toEqual(new Set(range(1, last)))
  expectSameAgain(consumer)
}, 600_000)

/** The old cluster has counted on: its transaction ids lie in the new one's future. */
async function countOn(host: OpenHost): Promise<void> {
  await host.run(`create procedure count_on() language plpgsql as
    $$ begin for i in 1..5000 loop perform pg_current_xact_id(); commit; end loop; end $$`)
  await host.run('call count_on()')
}

/** What pg_dump and psql do: the rows of one snapshot, as they are, and sequences that go on behind them. */
async function dumpAndRestore(from: string, to: string): Promise<void> {
  const pools = { from: new Pool({ connectionString: from }), to: new Pool({ connectionString: to }) }
  const source = await pools.from.connect()
  const target = await pools.to.connect()
  try {
    await source.query('begin isolation level repeatable read')
    // As a restore of data alone: no foreign key is checked before all is there.
    await target.query(`set session_replication_role = replica`)
    const { rows: tables } = await source.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_name like 'xe\\_%' order by 1`,
    )
    await target.query(`truncate ${tables.map(({ name }) => name).join(', ')} cascade`)
    for (const { name } of tables) {
      const { rows } = await source.query(`select coalesce(json_agg(t), '[]')::text as rows from ${name} t`)
      await target.query(
        `insert into ${name} overriding system value select * from json_populate_recordset(null::${name}, $1)`,
        [rows[0].rows],
      )
    }
    const { rows: drawn } = await target.query<{ name: string; column: string }>(
      `select table_name as name, column_name as column from information_schema.columns
        where table_name like 'xe\\_%' and is_identity = 'YES'`,
    )
    for (const { name, column } of drawn) {
      const { rows } = await source.query<{ last: string }>(
        `select nextval(pg_get_serial_sequence('${name}', '${column}')) as last`,
      )
      await target.query(`select setval(pg_get_serial_sequence('${name}', '${column}'), $1)`, [rows[0]?.last])
    }
    await source.query('rollback')
  } finally {
    source.release()
    target.release()
    await Promise.all([pools.from.end(), pools.to.end()])
  }
}

onSqlite(
  'goes on from a dump that was made while requests were under way',
  () =>
    onPostgres(async () => {
      await using server = await startPostgresServer()
      await using consumer = await testConsumer()
      await using host = await openHost({ stopTimeoutMs: 50, engine: { stopTimeoutMs: 50 } })
      await using restored = await openHost({ serverUrl: server.url })
      await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 20 })
      await countOn(host)
      let holds = true
      const never = new Promise<number>(() => {})
      consumer.answer((request) => (holds && idOf(request) % 3 === 0 ? never : 204))
      await host.start()
      await host.engine.transaction(async ({ raise }) => {
        for (const id of range(1, 30)) await raise(site, 'File', id, 'Update')
      })
      await waitFor(async () => (await count(host, `state = 'succeeded'`)) > 0, 'the first records')
      await dumpAndRestore(host.url, restored.url)
      // What happens after the dump is not in it.
      await host.sender.stop()
      await host.engine.stop()
      const recorded = await count(restored, `state = 'succeeded'`)
      holds = false
      const before = consumer.requests.length
      await restored.start()
      await restored.engine.syncManager.addSyncEvent(site, 'File', 31, 'Update')
      await restored.sender.drain()
      expect(await count(restored, `state = 'succeeded'`)).toBe(31)
      expect(await count(restored, 'true'), 'each once').toBe(31)
      expect(new Set(consumer.requests.map(idOf))).toEqual(new Set(range(1, 31)))
      expect(consumer.requests.length - before, 'only what was not recorded').toBe(31 - recorded)
      expectSameAgain(consumer)
    }),
  300_000,
)

onSqlite(
  'does not record again what was sent before an event that is older and was committed late',
  () =>
    onPostgres(async () => {
      await using server = await startPostgresServer()
      await using consumer = await testConsumer()
      await using host = await openHost()
      await using restored = await openHost({ serverUrl: server.url })
      await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 20 })
      await countOn(host)
      await host.start()
      const pool = new Pool({ connectionString: host.url, max: 1 })
      const late = await pool.connect()
      await late.query('begin')
      await late.query(`insert into xe_sync_event (id, tenant_id, site_id, entity_name, entity_id, action, modified_on)
        values ('evt_late', 1, 7, 'File', '100', 'Update', now())`)
      await host.engine.transaction(async ({ raise }) => {
        for (const id of range(1, 30)) await raise(site, 'File', id, 'Update')
      })
      await host.sender.drain()
      await host.sender.stop()
      await host.engine.stop()
      await late.query('commit')
      late.release()
      await pool.end()
      expect(await host.run('select ahead from xe_subscription')).toEqual([{ ahead: 0 }])
      // A restored log is read from its oldest event that was not handled.
      await dumpAndRestore(host.url, restored.url)
      await restored.start()
      await restored.engine.syncManager.addSyncEvent(site, 'File', 31, 'Update')
      await restored.sender.drain()
      expect(await count(restored, `state = 'succeeded'`)).toBe(32)
      expect(await count(restored, 'true'), 'each once').toBe(32)
      expect(consumer.requests.map(idOf).sort((a, b) => a - b)).toEqual([...range(1, 31), 100])
    }),
  300_000,
)
