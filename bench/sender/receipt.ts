import { postgres, sqliteFile } from '../databases.ts'
import { percentile, type Suite, table } from '../suite.ts'
import { createPoster } from './post-loop.ts'
import { openSendingHost, type SendingHost } from './sending-host.ts'
import { type Sink, startSink } from './sink.ts'

const ROUNDS = 3
const EVENTS = 300
const PER_SECOND = 100

/** Milliseconds of a clock that all processes of a machine share. */
const sharedNow = () => Number(process.hrtime.bigint()) / 1e6

async function atSteadyRate(
  sink: Sink,
  start: (index: number) => Promise<unknown>,
): Promise<readonly number[]> {
  await sink.begin({ timing: true })
  const begin = performance.now()
  const started: Promise<unknown>[] = []
  for (let index = 0; index < EVENTS; index++) {
    const due = begin + (index * 1_000) / PER_SECOND
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
    started.push(start(index))
  }
  await Promise.all(started)
  for (;;) {
    const { delays } = await sink.report()
    if (delays.length >= EVENTS) return delays
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const raiseTo =
  ({ engine }: SendingHost) =>
  (index: number) =>
    engine.transaction(({ raise }) =>
      raise({ tenantId: 1, siteId: 7 }, 'Page', index, 'Update', {
        data: { sentAt: sharedNow(), text: 'x'.repeat(800) },
      }),
    )

/** How long it takes from before the raiser's transaction to the consumer. */
export const benchReceipt: Suite = {
  name: 'sender-receipt',
  title: `from before the transaction that raises to the consumer's receipt, at ${PER_SECOND} events/s`,
  async run() {
    await using open = new AsyncDisposableStack()
    const sink = open.use(await startSink(1))
    const { post } = open.use(createPoster(sink.origins))
    const contenders: Record<string, (index: number) => Promise<unknown>> = {
      'a bare POST': (index) => post(index, JSON.stringify({ sentAt: sharedNow(), text: 'x'.repeat(1_000) })),
    }
    for (const database of [open.use(await sqliteFile('FULL')), open.use(await postgres())]) {
      contenders[database.name] = raiseTo(open.use(await openSendingHost(database, 'bench_', sink.origins)))
    }
    const delays: Record<string, number[][]> = {}
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [name, start] of Object.entries(contenders)) {
        const measured = await atSteadyRate(sink, start)
        if (round === 0) delays[name] = []
        else delays[name]?.push([...measured])
      }
    }
    const shown = (rounds: readonly number[][], percent: number) => {
      const values = rounds.map((round) => percentile(round, percent))
      const [low, middle, high] = [Math.min(...values), percentile(values, 50), Math.max(...values)]
      return `${middle.toFixed(1)} ms [${low.toFixed(1)}..${high.toFixed(1)}]`
    }
    return table(
      ['what', 'p50: median of rounds, range', 'p99'],
      Object.entries(delays).map(([name, rounds]) => [name, shown(rounds, 50), shown(rounds, 99)]),
    )
  },
}
