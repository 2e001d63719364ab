import { createEventEngine } from '@x/events-engine'
import { createWebhookSender } from '@x/sender'
import { type BenchDatabase, postgres, sqliteFile } from '../databases.ts'
import { percentile, type Suite, table } from '../suite.ts'
import { type Sink, startSink } from './sink.ts'

const EVENTS_OF_NEIGHBOUR = 20
const EVENTS = 150
const PER_SECOND = 10
const GIVE_UP_MS = 60_000

/** What the tenant next door has: so many endpoints, whose names never resolve or whose requests never end. */
interface Neighbour {
  readonly name: string
  readonly endpoints: number
  url(sink: Sink, index: number): string
}

const NEIGHBOURS: readonly Neighbour[] = [
  { name: 'none', endpoints: 0, url: () => '' },
  {
    name: '1,000 endpoints that hang',
    endpoints: 1_000,
    url: (sink, index) => `${sink.origins[1]}/${index}`,
  },
  {
    name: '300 names that do not resolve',
    endpoints: 300,
    url: (_sink, index) => `http://name-${index}.example/`,
  },
]

/** The delays of one tenant's webhooks, from the raise to the receipt, while the neighbour's are tried. */
async function delaysBeside(
  neighbour: Neighbour,
  database: BenchDatabase,
  sink: Sink,
): Promise<readonly number[]> {
  const { db, pool } = database
  const engine = createEventEngine({ db, tablePrefix: 'bench_', ...(pool ? { postgres: { pool } } : {}) })
  const sender = createWebhookSender({
    engine,
    encryptionKey: Buffer.alloc(32, 1),
    // Only names are asked for; those of the example are never answered.
    network: { allow: ['127.0.0.0/8'], resolve: () => new Promise(() => {}) },
    stopTimeoutMs: 100,
  })
  await sender.migrate()
  for (let index = 0; index < neighbour.endpoints; index++) {
    await sender.endpoints.create({ tenantId: 1, url: neighbour.url(sink, index), eventTypes: ['*'] })
  }
  await sender.endpoints.create({ tenantId: 2, url: `${sink.origins[0]}/hook`, eventTypes: ['*'] })
  await sender.start()
  await engine.start()
  await sink.begin({ timing: true, hanging: 1 })
  const raise = (tenantId: number, id: number, data: Record<string, string | number>) =>
    engine.transaction((change) => change.raise({ tenantId, siteId: 7 }, 'Page', id, 'Update', { data }))
  for (let id = 0; neighbour.endpoints > 0 && id < EVENTS_OF_NEIGHBOUR; id++) await raise(1, id, {})

  const begin = performance.now()
  for (let id = 0; id < EVENTS; id++) {
    const due = begin + (id * 1_000) / PER_SECOND
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
    await raise(2, id, { sentAt: Number(process.hrtime.bigint()) / 1e6 })
  }
  let delays: readonly number[] = []
  while (delays.length < EVENTS && performance.now() - begin < GIVE_UP_MS) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    delays = (await sink.report()).delays
  }
  await sender.stop()
  await engine.stop()
  // What has not come by now counts as late as can be.
  return [...delays, ...Array<number>(EVENTS - delays.length).fill(GIVE_UP_MS)]
}

/** What one tenant notices of another whose endpoints hang or cannot be found. */
export const benchNeighbour: Suite = {
  name: 'sender-neighbour',
  title: `from the raise to one tenant's consumer, at ${PER_SECOND} events/s, beside another tenant's endpoints`,
  async run() {
    const rows: string[][] = []
    await using open = new AsyncDisposableStack()
    const sink = open.use(await startSink(2))
    for (const openOne of [() => sqliteFile('FULL'), () => postgres()]) {
      for (const neighbour of NEIGHBOURS) {
        await using database = await openOne()
        const delays = await delaysBeside(neighbour, database, sink)
        const shown = (percent: number) => `${percentile(delays, percent).toFixed(1)} ms`
        rows.push([database.name, neighbour.name, shown(50), shown(99)])
      }
    }
    return table(['database', 'neighbour', 'p50', 'p99 (to reach: 2 x that of none, + 50 ms)'], rows)
  },
}
