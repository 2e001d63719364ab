import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { waitFor } from '@x/testkit'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** The example in a process of its own, as its reader starts it. */
export interface Consumer extends AsyncDisposable {
  /** Where it takes webhooks. */
  readonly url: string
  /** What it has printed since it was ready. */
  readonly lines: readonly string[]
}

/** Starts the example and waits until it listens. */
export async function startConsumer(env: Readonly<Record<string, string>>): Promise<Consumer> {
  const { child, lines } = run(env)
  const url = await waitFor(() => /http:\S+/.exec(lines[0] ?? '')?.[0], 'the consumer to listen')
  lines.length = 0
  return {
    url,
    lines,
    async [Symbol.asyncDispose]() {
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

/** Runs the example until it ends by itself. */
export async function runConsumer(
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | null; lines: readonly string[] }> {
  const { child, lines } = run(env)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, lines }
}

function run(env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['--conditions=@x/source', main], {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => lines.push(line))
  }
  return { child, lines }
}
