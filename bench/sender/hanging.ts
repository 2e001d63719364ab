import { postgres, sqliteFile } from '../databases.ts'
import { count, inTurn, median, ratio, type Suite, table } from '../suite.ts'
import { BODY_TEXT } from './post-loop.ts'
import { openSendingHost, raiseAll, type SendingHost } from './sending-host.ts'
import { type Sink, startSink } from './sink.ts'

const ROUNDS = 5
const ENDPOINTS = 100
const EVENTS = 4_000

async function healthyRate(host: SendingHost, sink: Sink, hanging: number): Promise<number> {
  await sink.begin({ hanging })
  const expected = EVENTS - EVENTS / ENDPOINTS
  const start = performance.now()
  await raiseAll(host, { tenants: ENDPOINTS, events: EVENTS, text: BODY_TEXT })
  for (;;) {
    const { requests } = await sink.report()
    const received = requests.slice(0, ENDPOINTS - 1).reduce((sum, one) => sum + (one ?? 0), 0)
    if (received >= expected) return (expected * 1_000) / (performance.now() - start)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** What the others notice of an endpoint that takes requests and never answers. */
export const benchHanging: Suite = {
  name: 'sender-hanging',
  title: `deliveries a second to ${ENDPOINTS - 1} endpoints that answer, while one more hangs or does not`,
  async run() {
    const rows = []
    for (const openOne of [() => sqliteFile('FULL'), () => postgres()]) {
      await using open = new AsyncDisposableStack()
      const sink = open.use(await startSink(ENDPOINTS))
      const database = open.use(await openOne())
      const host = open.use(await openSendingHost(database, 'bench_', sink.origins, { stopTimeoutMs: 100 }))
      const rates = await inTurn(ROUNDS, {
        none: () => healthyRate(host, sink, -1),
        one: () => healthyRate(host, sink, ENDPOINTS - 1),
      })
      rows.push([
        database.name,
        count(median(rates.none)),
        count(median(rates.one)),
        ratio(rates.one, rates.none),
      ])
    }
    return table(['database', 'none hangs', 'one hangs', 'one / none (to reach: >= 0.95)'], rows)
  },
}
