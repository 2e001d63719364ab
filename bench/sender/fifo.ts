import { sql } from 'kysely'
import { type BenchDatabase, postgres, sqliteFile } from '../databases.ts'
import { count, inTurn, median, ratio, type Suite, table } from '../suite.ts'
import { BODY_TEXT, createPoster } from './post-loop.ts'
import { openSendingHost, raiseAndDeliver } from './sending-host.ts'
import { startSink } from './sink.ts'

const ROUNDS = 5
const WARM_UPS = 2
const EVENTS = 500

type Post = (index: number, body: string) => Promise<unknown>

/** What nobody can do without who keeps an order across crashes: the next request begins when this one is on record. */
async function oneAfterTheOther({ db }: BenchDatabase, post: Post): Promise<number> {
  const body = JSON.stringify({ type: 'Page.Update', data: BODY_TEXT })
  const start = performance.now()
  for (let index = 0; index < EVENTS; index++) {
    await post(index, body)
    await sql`insert into sent (event, status) values (${index}, 204)`.execute(db)
  }
  return (EVENTS * 1_000) / (performance.now() - start)
}

async function measure(database: BenchDatabase, origins: readonly string[], post: Post): Promise<string[][]> {
  await sql`create table sent (event integer not null, status integer not null)`.execute(database.db)
  await using host = await openSendingHost(database, 'fifo_', origins, {}, { ordering: 'fifo' })
  const rates = await inTurn(
    ROUNDS,
    {
      floor: () => oneAfterTheOther(database, post),
      fifo: () => raiseAndDeliver(host, { tenants: 1, events: EVENTS, text: BODY_TEXT }),
    },
    WARM_UPS,
  )
  return [
    [`a POST, then a commit of one row, on ${database.name}`, count(median(rates.floor)), '1'],
    [`@x/sender on ${database.name}`, count(median(rates.fifo)), ratio(rates.fifo, rates.floor)],
  ]
}

/** Deliveries to an endpoint that wants them in the order of the events, one at a time. */
export const benchFifo: Suite = {
  name: 'sender-fifo',
  title: `deliveries a second to one endpoint with ordering "fifo", 1 KB, ${count(EVENTS)} a round`,
  async run() {
    await using open = new AsyncDisposableStack()
    const sink = open.use(await startSink(1))
    const { post } = open.use(createPoster(sink.origins))
    await sink.begin()
    const rows: string[][] = []
    for (const database of [open.use(await sqliteFile('FULL')), open.use(await postgres())]) {
      rows.push(...(await measure(database, sink.origins, post)))
    }
    return table(['what', 'a second', 'to the floor: median of rounds, range'], rows)
  },
}
