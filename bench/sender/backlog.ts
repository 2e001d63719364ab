import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { sql } from 'kysely'
import { type BenchDatabase, postgres, type StatementLog, sqliteFile } from '../databases.ts'
import { count, median, type Suite, table } from '../suite.ts'
import { openSendingHost, type SendingHost } from './sending-host.ts'
import { type Sink, startSink } from './sink.ts'

const ROUNDS = 5
const FEW = 1_000
const MANY = 1_000_000
/** Of each round. */
const DELIVERED = 800
// What takes an endpoint's lease, and what reads what is due of it.
const CLAIMING = /\bepoch = epoch \+ 1\b|\btried\b.*\bm\.key = x\.message_key\b/s

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Stores deliveries that wait, as fan-out would, and quicker. */
async function store({ db, pool }: BenchDatabase, deliveries: number): Promise<void> {
  const now = Date.now() - 1_000
  const numbers = pool
    ? sql`select n from generate_series(1, ${sql.lit(deliveries)}) n`
    : sql`with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${sql.lit(deliveries)})
        select n from numbers`
  const firstOn = pool ? sql`, first_on = least(first_on, ${sql.lit(now)})` : sql``
  await db.transaction().execute(async (trx) => {
    const { rows } = await sql<{
      last: number | string | null
    }>`select max(key) as last from bench_webhook_message`.execute(trx)
    const last = sql.lit(Number(rows[0]?.last ?? 0))
    await sql`insert into bench_webhook_message (event_id, tenant_id, site_id, event_type, created_on, body)
      select 'evt_' || n, 1, 7, 'Page.Update', ${sql.lit(now)}, '{"type":"Page.Update","data":{}}' from (${numbers}) numbers`.execute(
      trx,
    )
    await sql`insert into bench_webhook_delivery (message_key, endpoint_key, due_on, created_on)
      select key, 1, ${sql.lit(now)}, ${sql.lit(now)} from bench_webhook_message where key > ${last}`.execute(
      trx,
    )
    await sql`update bench_webhook_queue set due_on = ${sql.lit(now)} ${firstOn}`.execute(trx)
  })
  if (pool) await pool.query('vacuum analyze bench_webhook_delivery, bench_webhook_message')
}

async function deliverSome({ sender }: SendingHost, sink: Sink): Promise<void> {
  await sink.begin()
  await sender.start()
  for (;;) {
    const { requests } = await sink.report()
    if ((requests[0] ?? 0) >= DELIVERED) break
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await sender.stop()
}

async function measure(openOne: (heard: StatementLog) => Promise<BenchDatabase>): Promise<string[]> {
  let claimingMs = 0
  await using open = new AsyncDisposableStack()
  const sink = open.use(await startSink(1))
  const database = open.use(
    await openOne((statement, durationMs) => {
      if (CLAIMING.test(statement)) claimingMs += durationMs
    }),
  )
  const host = open.use(await openSendingHost(database, 'bench_', sink.origins))
  // The endpoint's row in the queue comes with its first delivery.
  await host.engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'Page', 1, 'Update')
  await host.sender.drain()
  await host.sender.stop()

  const rounds = async (): Promise<{ perDelivery: number; megabytes: number }> => {
    const costs: number[] = []
    const megabytes: number[] = []
    for (let round = 0; round <= ROUNDS; round++) {
      await store(database, DELIVERED * 2)
      const before = await pending(host)
      claimingMs = 0
      await deliverSome(host, sink)
      const delivered = before - (await pending(host))
      collectGarbage()
      if (round === 0) continue
      costs.push((claimingMs * 1_000) / delivered)
      megabytes.push(process.memoryUsage().rss / 1e6)
    }
    return { perDelivery: median(costs), megabytes: median(megabytes) }
  }
  await store(database, FEW)
  const few = await rounds()
  await store(database, MANY)
  const many = await rounds()
  return [
    database.name,
    `${few.perDelivery.toFixed(1)} µs`,
    `${many.perDelivery.toFixed(1)} µs`,
    (many.perDelivery / few.perDelivery).toFixed(2),
    `${(many.megabytes - few.megabytes).toFixed(0)} MB`,
  ]
}

async function pending({ sender }: SendingHost): Promise<number> {
  return (await sender.stats()).deliveries.pending
}

/** What a million deliveries that wait cost those that are made. */
export const benchBacklog: Suite = {
  name: 'sender-backlog',
  title: `leasing and reading, for each delivery, with about ${count(FEW)} and ${count(MANY)} pending`,
  async run() {
    const rows = [
      await measure((heard) => sqliteFile('FULL', heard)),
      await measure((heard) => postgres(heard)),
    ]
    const head = [
      `database`,
      `${count(FEW)} pending`,
      count(MANY),
      'ratio (to reach: <= 1.5)',
      'more memory (<= 100 MB)',
    ]
    return table(head, rows)
  },
}
