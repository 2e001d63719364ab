import { sql } from 'kysely'
import { type BenchDatabase, postgres, sqliteFile } from '../databases.ts'
import { count, inTurn, median, ratio, type Suite, table } from '../suite.ts'
import { openBullmq } from './bullmq-peer.ts'
import { openPgBoss } from './pg-boss-peer.ts'
import { BODY_TEXT, createPoster, postLoop } from './post-loop.ts'
import { fetchTo } from './queue-peer.ts'
import { startRedis } from './redis.ts'
import { openSendingHost, raiseAndDeliver } from './sending-host.ts'
import { startSink } from './sink.ts'

const ROUNDS = 5
/** A host that sends does so for hours: its code is compiled. */
const WARM_UPS = 4
const REQUESTS = 5_000
const JOBS_TUNED = 2_000
const JOBS_OF_GUIDE = 500
/** It does a few dozen a second. */
const JOBS_OF_SLOW_GUIDE = 50
const BODY = JSON.stringify({ type: 'Page.Update', data: BODY_TEXT })

type Contenders = Record<string, () => Promise<number>>

/** Adds the peers, each hand-tuned on `Pool.request` and as its guide shows it. */
async function addPeers(
  contenders: Contenders,
  open: AsyncDisposableStack,
  origins: readonly string[],
  postgresUrl: string,
): Promise<void> {
  const { post } = open.use(createPoster(origins))
  const byFetch = fetchTo(origins)
  const redis = await startRedis()
  if (redis) {
    open.use(redis)
    const tuned = open.use(await openBullmq(redis, 'tuned', post, BODY, 'many'))
    const guide = open.use(await openBullmq(redis, 'guide', byFetch, BODY, 'one'))
    contenders['BullMQ, hand-tuned'] = () => tuned.run(JOBS_TUNED)
    contenders['BullMQ, as its guide shows it'] = () => guide.run(JOBS_OF_GUIDE)
  }
  const tuned = open.use(await openPgBoss(postgresUrl, 'tuned', post, BODY, 'many'))
  const guide = open.use(await openPgBoss(postgresUrl, 'guide', byFetch, BODY, 'one'))
  contenders['pg-boss, hand-tuned'] = () => tuned.run(JOBS_TUNED)
  contenders['pg-boss, one job a call, fetch'] = () => guide.run(JOBS_OF_SLOW_GUIDE)
}

async function measure(endpoints: number, withPeers: boolean): Promise<string[]> {
  await using open = new AsyncDisposableStack()
  const sink = open.use(await startSink(endpoints))
  const poster = open.use(createPoster(sink.origins))
  const contenders: Contenders = {
    'Pool.request and nothing else (the floor)': () => postLoop(poster, REQUESTS),
  }
  const shared = open.use(await postgres())
  const databases: BenchDatabase[] = []
  for (const database of [open.use(await sqliteFile('FULL')), open.use(await sqliteFile('NORMAL')), shared]) {
    const host = open.use(await openSendingHost(database, 'bench_', sink.origins))
    databases.push(database)
    contenders[`@x/sender on ${database.name}`] = () =>
      raiseAndDeliver(host, { tenants: endpoints, events: REQUESTS, text: BODY_TEXT })
  }
  if (withPeers)
    await addPeers(contenders, open, sink.origins, shared.pool.options.connectionString as string)

  await sink.begin()
  const rates = await inTurn(ROUNDS, contenders, WARM_UPS)
  const { requests } = await sink.report()
  const received = requests.reduce((sum, one) => sum + one, 0)
  const sent = REQUESTS * (ROUNDS + WARM_UPS) * 4
  if (received < sent) throw new Error(`The sink has received ${received} of ${sent} requests`)
  const stored: string[] = []
  for (const { name, db } of databases) {
    const { rows } = await sql<{
      n: number | string
    }>`select count(*) as n from bench_webhook_message`.execute(db)
    stored.push(`${count(Number(rows[0]?.n))} on ${name}`)
  }
  const [floor] = Object.values(rates) as [number[]]
  const rows = Object.entries(rates).map(([name, values]) => [
    name,
    count(median(values)),
    ratio(values, floor),
  ])
  const missing = withPeers && !('BullMQ, hand-tuned' in contenders)
  if (missing) rows.push(['BullMQ', 'NOT MEASURED: no redis-server on the PATH, and no TEST_REDIS_URL', ''])
  return [
    `${endpoints} endpoint${endpoints === 1 ? '' : 's, each of an origin of its own'}:`,
    '',
    ...table(['what', 'a second', 'to the floor: median of rounds, range'], rows),
    '',
    `Of ${count(REQUESTS * (ROUNDS + WARM_UPS))} deliveries each, stored before they were sent: ${stored.join(', ')}.`,
    '',
  ]
}

/** Events raised, read, fanned out, signed, sent and recorded, against POSTs that are nothing but sent. */
export const benchThroughput: Suite = {
  name: 'sender-throughput',
  title: `durable deliveries a second, from the first raise to the last record, 1 KB, ${count(REQUESTS)} a round`,
  async run() {
    return [...(await measure(1, true)), ...(await measure(100, false))]
  },
}
