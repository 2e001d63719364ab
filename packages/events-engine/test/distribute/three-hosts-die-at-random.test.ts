import { waitFor } from '@x/testkit'
import { type PostgresDatabase, postgresDatabase } from '@x/testkit/postgres'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import {
  createManyHostsTables,
  type ManyHostsOptions,
  type ManyHostsTables,
} from '../processes/many-hosts-tables.ts'
import { startProcess, type TestProcess } from '../processes/start-process.ts'

const SUBSCRIPTIONS = ['each', 'lanes', 'batch']
const ROUNDS = 5

const count = async (database: PostgresDatabase<ManyHostsTables>, table: 'handled' | 'change') =>
  Number(
    (await sql<{ n: string }>`select count(*) n from ${sql.table(table)}`.execute(database.db)).rows[0]?.n,
  )

it('handles every committed event in order, the batch exactly once, while hosts are killed at random', async ({
  annotate,
}) => {
  await using database = await postgresDatabase<ManyHostsTables>()
  await createManyHostsTables(database.db)
  await using cleanUp = new AsyncDisposableStack()
  let started = 0
  const start = (raisers: number) => {
    const options: ManyHostsOptions = {
      url: database.url,
      node: `host ${++started}`,
      raisers,
      leaseMs: 1_000,
      pauseMs: 0,
      timeoutMs: 10_000,
    }
    return cleanUp.use(startProcess('many-hosts-host.ts', JSON.stringify(options)))
  }
  const isUp = (host: TestProcess) => waitFor(() => host.lines.includes('started'), 'a host to start')

  const hosts = [start(2), start(2), start(2)]
  await Promise.all(hosts.map(isUp))
  for (let round = 1; round <= ROUNDS; round++) {
    const before = await count(database, 'handled')
    await waitFor(async () => (await count(database, 'handled')) > before + 300, 'events to be handled')
    // In every second round the holder of a lease for certain, else any.
    const { rows } = await sql<{ leased_by: string }>`
      select leased_by from xe_subscription where leased_by is not null order by random()`.execute(
      database.db,
    )
    const holder = hosts.findIndex((host) => rows[0]?.leased_by.includes(`:${host.pid}:`))
    const victim = round % 2 === 0 && holder >= 0 ? holder : Math.floor(Math.random() * 3)
    await hosts[victim]?.kill()
    hosts[victim] = start(2)
  }
  await Promise.all(hosts.map((host) => host.kill()))
  for (const host of hosts) expect(host.errors).toBe('')

  const last = start(0)
  const missing = async () => {
    const { rows } = await sql<{ n: string }>`
      select count(*) n from change c cross join unnest(${SUBSCRIPTIONS}::text[]) s
      where not exists (select from handled h where h.event_id = c.event_id and h.subscription = s)`.execute(
      database.db,
    )
    return Number(rows[0]?.n)
  }
  await waitFor(async () => (await missing()) === 0, 'every committed event to be handled by all')
  await last.kill()

  const { rows: phantoms } = await sql`
    select 1 from handled h where not exists (select from change c where c.event_id = h.event_id)
    union all select 1 from xe_sync_event e where not exists (select from change c where c.event_id = e.id)`.execute(
    database.db,
  )
  expect(phantoms, 'events that were rolled back, or came without their change').toEqual([])

  const { rows: disorder } = await sql`
    select * from (
      select h.*, lag(version) over (partition by subscription, entity_id order by first) as before
      from (select subscription, entity_id, version, min(seq) as first from handled group by 1, 2, 3) h
    ) o where version <= before`.execute(database.db)
  expect(disorder, 'first handlings of an entity out of the order of its changes').toEqual([])

  const { rows: repeated } = await sql<{ subscription: string; events: string; times: string; same: string }>`
    select subscription, count(*) as events, sum(times - 1) as times, sum(times - nodes) as same
    from (
      select subscription, event_id, count(*) as times, count(distinct node) as nodes
      from handled group by 1, 2 having count(*) > 1
    ) r group by 1 order by 1`.execute(database.db)
  const committed = await count(database, 'change')
  const found = `${committed} events, ${started} processes, ${ROUNDS + 3} kills; repeated: ${JSON.stringify(repeated)}`
  await annotate(found)
  expect(
    repeated.filter(({ subscription }) => subscription === 'batch'),
    `batch: ${found}`,
  ).toEqual([])
  // A position is saved after 100 events at the latest; up to 1,000 may be begun beyond it.
  for (const { subscription, times } of repeated) {
    expect(Number(times), `${subscription}: ${found}`).toBeLessThanOrEqual((ROUNDS + 3) * 1_000)
  }
}, 240_000)
