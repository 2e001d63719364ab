import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { waitFor } from '@x/testkit'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** On a machine that does much else. */
const START_TIMEOUT_MS = 120_000

/** The host in a process of its own, as `npm start` runs it. */
export interface MainProcess extends AsyncDisposable {
  readonly lines: readonly string[]
  /** Waits for the line that says it is ready, and answers the URL in it. */
  ready(): Promise<string>
  /** Sends a signal and waits for the end; without one, waits for it to end by itself. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

/** Starts the host on a free port, with nothing of this process's environment. */
export function startMain(env: Readonly<Record<string, string>>): MainProcess {
  const child = spawn(process.execPath, ['--conditions=@x/source', main], {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      PORT: '0',
      LOG_LEVEL: 'error',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => lines.push(line))
  }
  return {
    lines,
    async ready() {
      const url = () => lines.flatMap((line) => /ready at (http:\S+)/.exec(line)?.[1] ?? [])[0]
      await waitFor(() => url() ?? child.exitCode !== null, 'the host to be ready', START_TIMEOUT_MS)
      return url() ?? fail(`The host ended:\n${lines.join('\n')}`)
    },
    async end(signal) {
      if (signal) child.kill(signal)
      return ended(child)
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended(child)
    },
  }
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  return child.exitCode
}

function fail(message: string): never {
  throw new Error(message)
}
