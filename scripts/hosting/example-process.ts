import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../setup/paths.mjs'
import { until } from './until.ts'

/** An example in a process of its own. */
export interface ExampleProcess {
  readonly name: string
  readonly pid: number
  /** Everything that it has printed. */
  readonly lines: readonly string[]
  readonly isRunning: boolean
  /** Resolves when the process is gone, whatever ended it. */
  readonly ended: Promise<void>
  /** Waits for a line that it prints, or has printed. */
  printed(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  /** Sends a signal at once. */
  signal(signal: NodeJS.Signals): void
}

/** What an example is started with. */
export interface StartExample {
  readonly name: string
  /** Folder below `examples`. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  /** Whether the terminal's Ctrl-C is kept from it. */
  readonly isDetached?: boolean
  /** Hears of every line that it prints. */
  onLine?(line: string): void
}

/** A machine that does much else takes long to start a process. */
const START_TIMEOUT_MS = 40_000

const running = new Set<ExampleProcess>()

// Whatever ends this process, nothing that it started is left running.
process.on('exit', () => {
  for (const example of running) example.signal('SIGKILL')
})

/** Starts an example from its sources. */
export function startExample({
  name,
  folder,
  env,
  isDetached = false,
  onLine,
}: StartExample): ExampleProcess {
  const args = ['--conditions=@x/source', join(root, 'examples', folder, 'src', 'main.ts')]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    detached: isDetached,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line)
      onLine?.(line)
    })
  }
  let isRunning = true
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => lines.push(String(error)))
    child.once('close', () => {
      isRunning = false
      running.delete(example)
      resolve()
    })
  })

  const example: ExampleProcess = {
    name,
    pid: child.pid ?? -1,
    lines,
    ended,
    get isRunning() {
      return isRunning
    },
    printed(pattern, timeoutMs) {
      const find = () => {
        for (const line of lines) {
          const found = pattern.exec(line)
          if (found) return found
        }
        if (isRunning) return undefined
        throw new Error(`The ${name} has ended:\n${lines.slice(-20).join('\n')}`)
      }
      return until(find, `the ${name} printing ${pattern}`, timeoutMs ?? START_TIMEOUT_MS)
    },
    signal(signal) {
      if (isRunning) child.kill(signal)
    },
  }
  running.add(example)
  return example
}

/** Ends an example as an operator does, and by force when it does not heed that. */
export async function stopExample(example: ExampleProcess, timeoutMs = 8_000): Promise<void> {
  const timer = setTimeout(() => example.signal('SIGKILL'), timeoutMs)
  example.signal('SIGTERM')
  await example.ended
  clearTimeout(timer)
}
