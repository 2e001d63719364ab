import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Something that a tenant, or a consumer, can send. */
export interface HostileInput {
  readonly what: string
  /** Takes it in, as a host would; how it is answered is no matter. */
  run(): unknown
}

/** What an input does to its host. */
export interface Damage {
  /** The longest time in which nothing else could be done, in milliseconds of the processor's. */
  readonly blockMs: number
  /** What was allocated, garbage included. */
  readonly bytes: number
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const ROUNDS = 5

/** The least of several rounds: what else happens on the machine only ever adds. */
export async function measure(run: () => unknown): Promise<Damage> {
  const rounds: Damage[] = []
  for (let round = 0; round < ROUNDS; round++) rounds.push(await measureOnce(run))
  return {
    blockMs: Math.min(...rounds.map(({ blockMs }) => blockMs)),
    bytes: Math.min(...rounds.map(({ bytes }) => bytes)),
  }
}

async function measureOnce(run: () => unknown): Promise<Damage> {
  collectGarbage()
  const before = memory()
  let peak = before
  let longest = 0
  let last = processorMs()
  let isDone = false
  const look = () => {
    longest = Math.max(longest, processorMs() - last)
    peak = Math.max(peak, memory())
    last = processorMs()
  }
  const looking = (async () => {
    while (!isDone) {
      await new Promise(setImmediate)
      look()
    }
  })()
  await Promise.resolve(run()).catch(() => {})
  look()
  isDone = true
  await looking
  return { blockMs: longest, bytes: peak - before }
}

/** Of this thread: other programs on the machine are not the input's doing. */
function processorMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

function memory(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
