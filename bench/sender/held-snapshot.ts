import { Client } from 'pg'
import { postgres } from '../databases.ts'
import { count, percentile, type Suite, table } from '../suite.ts'
import { BODY_TEXT } from './post-loop.ts'
import { openSendingHost, type SendingHost } from './sending-host.ts'
import { type Sink, startSink } from './sink.ts'

const PER_SECOND = 400
const TENANTS = 4
const SECONDS = Number(process.env['BENCH_HELD_SECONDS'] ?? 150)
const WINDOW_SECONDS = 30
const WARM_UP_SECONDS = 10

const sharedNow = () => Number(process.hrtime.bigint()) / 1e6

/** Raises at a steady rate until a time of `performance.now()`. */
async function raiseUntil({ engine }: SendingHost, end: number): Promise<void> {
  const begin = performance.now()
  const raised: Promise<unknown>[] = []
  for (let index = 0; performance.now() < end; index++) {
    const data = { sentAt: sharedNow(), text: BODY_TEXT }
    const site = { tenantId: 1 + (index % TENANTS), siteId: 7 }
    raised.push(engine.syncManager.addSyncEvent(site, 'Page', index, 'Update', { data }))
    const due = begin + (index * 1_000) / PER_SECOND
    if (due > performance.now()) await new Promise((resolve) => setTimeout(resolve, due - performance.now()))
  }
  await Promise.all(raised)
}

/** The delays from the raise to the receipt. */
async function measureFor(seconds: number, host: SendingHost, sink: Sink): Promise<readonly number[]> {
  await sink.begin({ timing: true })
  await raiseUntil(host, performance.now() + seconds * 1_000)
  await host.sender.drain()
  return (await sink.report()).delays
}

/** What a transaction costs that somebody has forgotten to end: PostgreSQL cleans up nothing that it might still see. */
export const benchHeldSnapshot: Suite = {
  name: 'sender-held',
  title: `from the raise to the receipt on PostgreSQL at ${PER_SECOND} events/s, beside a transaction that stays open`,
  async run() {
    await using open = new AsyncDisposableStack()
    const sink = open.use(await startSink(TENANTS))
    const database = open.use(await postgres())
    const host = open.use(await openSendingHost(database, 'held_', sink.origins))
    await measureFor(WARM_UP_SECONDS, host, sink)
    const holder = new Client({ connectionString: database.pool.options.connectionString })
    await holder.connect()
    open.defer(() => holder.end())
    await holder.query('begin isolation level repeatable read')
    await holder.query('select pg_current_xact_id()')
    const windows: (readonly number[])[] = []
    for (let from = 0; from < SECONDS; from += WINDOW_SECONDS) {
      windows.push(await measureFor(WINDOW_SECONDS, host, sink))
    }
    const { rows } = await database.pool.query<{ name: string; dead: number; live: number }>(
      `select relname as name, n_dead_tup::int as dead, n_live_tup::int as live from pg_stat_user_tables
       where relname like 'held_%' and n_dead_tup > 0 order by n_dead_tup desc limit 5`,
    )
    const first = percentile(windows[0] ?? [], 99)
    return [
      ...table(
        ['seconds', 'events', 'p50', 'p99', 'p99 to the first'],
        windows.map((delays, index) => [
          `${index * WINDOW_SECONDS} to ${(index + 1) * WINDOW_SECONDS}`,
          count(delays.length),
          `${percentile(delays, 50).toFixed(1)} ms`,
          `${percentile(delays, 99).toFixed(1)} ms`,
          (percentile(delays, 99) / first).toFixed(2),
        ]),
      ),
      '',
      `Dead rows: ${rows.map(({ name, dead, live }) => `${name.slice('held_'.length)} ${count(dead)} beside ${count(live)}`).join(', ') || 'none'}.`,
    ]
  },
}
