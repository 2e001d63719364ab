import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** A program, running in a process of its own. It is killed at the latest when disposed of. */
export interface TestProcess extends AsyncDisposable {
  readonly pid: number
  /** The lines of its standard output so far. */
  readonly lines: readonly string[]
  readonly errors: string
  /** Set once it has ended. */
  readonly ended: { readonly code: number | null; readonly signal: string | null } | undefined
  signal(name: NodeJS.Signals): void
  /** Writes a line to its standard input. */
  tell(line: string): void
  /** Kills it as a crash would, and waits until it is gone. */
  kill(): Promise<void>
}

/** Starts a program that reads the TypeScript sources: `new URL('program.ts', import.meta.url)`. */
export function startProcess(program: URL, ...args: string[]): TestProcess {
  const file = fileURLToPath(program)
  // Its standard input is closed when this process dies, whereupon it ends, too.
  const child = spawn(process.execPath, ['--conditions=@x/source', file, ...args], { stdio: 'pipe' })
  const lines: string[] = []
  let rest = ''
  let errors = ''
  let ended: TestProcess['ended']
  child.stdout.on('data', (chunk) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  child.stdin.on('error', () => {})
  const exited = once(child, 'exit').then(([code, signal]) => {
    ended = { code, signal }
  })

  async function kill(): Promise<void> {
    child.kill('SIGKILL')
    await exited
  }
  return {
    pid: child.pid ?? 0,
    lines,
    get errors() {
      return errors
    },
    get ended() {
      return ended
    },
    signal: (name) => void child.kill(name),
    tell: (line) => void child.stdin.write(`${line}\n`),
    kill,
    [Symbol.asyncDispose]: kill,
  }
}
