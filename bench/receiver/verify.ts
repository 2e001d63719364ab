import { count, inTurn, median, percentile, type Suite, table } from '../suite.ts'
import { type Alternatives, FLOOR, verifyAndParse, verifyOnly } from './alternatives.ts'
import { type SignedMessage, signedMessage } from './message.ts'

const SIZES = [200, 2_000, 20_000, 256_000]
// Short and many: another process that is let in disturbs few of them, and those the median leaves out.
const ROUNDS = 61
const ROUND_MS = 6
const BATCH = 5

/** Runs work one after the other for a while; gives microseconds for one. */
async function microseconds(work: () => unknown): Promise<number> {
  let done = 0
  const start = performance.now()
  let now = start
  while (now - start < ROUND_MS) {
    for (let batch = 0; batch < BATCH; batch++) {
      const result = work()
      // What answers at once is not made to wait.
      if (result instanceof Promise) await result
    }
    done += BATCH
    now = performance.now()
  }
  return ((now - start) * 1_000) / done
}

/** The time against that of the floor in the same round: median, and the middle half. */
function ratios(values: readonly number[], floor: readonly number[]): string {
  const each = values.map((value, round) => value / (floor[round] ?? Number.NaN))
  const [low, middle, high] = [25, 50, 75].map((percent) => percentile(each, percent).toFixed(2))
  return `${middle} [${low}..${high}]`
}

async function measure(alternatives: Alternatives): Promise<Record<string, number[]>> {
  const works = Object.entries(alternatives).map(([name, work]) => [name, () => microseconds(work)] as const)
  return inTurn(ROUNDS, Object.fromEntries(works))
}

function suite(
  name: string,
  title: string,
  alternativesFor: (message: SignedMessage) => Alternatives,
): Suite {
  return {
    name,
    title,
    async run() {
      const bySize: Record<string, number[]>[] = []
      const bytes: number[] = []
      for (const size of SIZES) {
        const message = await signedMessage(size)
        bytes.push(message.body.length)
        bySize.push(await measure(alternativesFor(message)))
      }
      const names = Object.keys(bySize[0] ?? {})
      const rows = names.map((row) => [
        row,
        ...bySize.map((measured) => {
          const values = measured[row] ?? []
          return `${count(1_000_000 / median(values))} (${ratios(values, measured[FLOOR] ?? [])})`
        }),
      ])
      const head = ['per second (time against the floor: median of rounds, middle half)']
      return table([...head, ...bytes.map((size) => `${count(size)} B`)], rows)
    },
  }
}

/** What it costs to know that a message is the sender's. */
export const benchVerifyOnly = suite(
  'receiver-verify-only',
  'bytes and headers to a yes or no, without parsing',
  verifyOnly,
)

/** What it costs to get from bytes to an event. */
export const benchVerifyAndParse = suite(
  'receiver-verify-and-parse',
  'bytes and headers to an event; who does not parse is followed by JSON.parse',
  verifyAndParse,
)
