import process from 'node:process'
import { type BenchDatabase, postgres, sqliteFile } from '../databases.ts'
import { count, inTurn, median, ratio, type Suite, table } from '../suite.ts'
import { BODY_TEXT } from './post-loop.ts'
import { openSendingHost, raiseAndDeliver } from './sending-host.ts'
import { startSink } from './sink.ts'

const ROUNDS = 11
const EVENTS = 1_500
/** Never reached; what has a limit is stored before it is sent, as what is numbered. */
const rateLimit = { limit: 10_000, perSeconds: 1 }

interface Cost {
  readonly wallMs: number
  readonly cpuMs: number
}

async function measure(openOne: () => Promise<BenchDatabase>): Promise<(string | number)[]> {
  await using open = new AsyncDisposableStack()
  const sink = open.use(await startSink(1))
  const database = open.use(await openOne())
  const costs: Record<string, Cost[]> = {}
  const contender = async (name: string, endpoint: object) => {
    const host = open.use(await openSendingHost(database, `${name}_`, sink.origins, {}, endpoint))
    costs[name] = []
    return async () => {
      const before = process.cpuUsage()
      const rate = await raiseAndDeliver(host, { tenants: 1, events: EVENTS, text: BODY_TEXT })
      const { user, system } = process.cpuUsage(before)
      costs[name]?.push({ wallMs: 1_000 / rate, cpuMs: (user + system) / 1_000 / EVENTS })
      return 1_000 / rate
    }
  }
  const stored = await contender('stored', { rateLimit })
  const numbered = await contender('numbered', { rateLimit, sequence: true })
  await sink.begin()
  const times = await inTurn(ROUNDS, { stored, numbered })
  // The first round of each does not count.
  const cpu = (name: string) => (costs[name] ?? []).slice(1).map(({ cpuMs }) => cpuMs)
  return [
    database.name,
    `${(median(times.stored) * 1_000).toFixed(0)} µs`,
    `${(median(times.numbered) * 1_000).toFixed(0)} µs`,
    ratio(times.numbered, times.stored),
    ratio(cpu('numbered'), cpu('stored')),
  ]
}

/** What it costs to number messages and to chain them. */
export const benchSequence: Suite = {
  name: 'sequence',
  title: `a delivery that is stored first, without and with a sequence, ${count(EVENTS)} a round`,
  async run() {
    const rows = []
    for (const open of [() => sqliteFile('FULL'), () => postgres()]) rows.push(await measure(open))
    return table(
      ['database', 'without', 'with', 'with / without (to reach: <= 1.1)', 'CPU of the host'],
      rows,
    )
  },
}
