import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { waitFor } from '@x/testkit'

const bin = fileURLToPath(new URL('../src/bin.ts', import.meta.url))

/** The command as a process of its own. */
export interface CliProcess extends AsyncDisposable {
  readonly output: () => string
  /** Waits for the output to have a text, and gives what follows it on that line. */
  says(text: string): Promise<string>
  /** Waits for the end. */
  ended(): Promise<{ code: number | null; output: string; errors: string }>
  interrupt(): void
  /** Kills it as a crash would, and waits until it is gone. */
  kill(): Promise<void>
}

/** Starts `x-receiver` with its sources. */
export function startCli(args: readonly string[], { input = '', env = {} } = {}): CliProcess {
  const child = spawn(process.execPath, ['--conditions=@x/source', bin, ...args], {
    env: { ...process.env, WEBHOOK_SECRET: '', WEBHOOK_KEY: '', ...env },
  })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text
  })
  child.stdin.on('error', () => {}) // it may end without having read
  child.stdin.end(input)
  const closed = once(child, 'close')
  return {
    output: () => output,
    says: async (text) => {
      const line = await waitFor(
        () => output.split('\n').find((candidate) => candidate.includes(text)),
        `"${text}" in ${output} ${errors}`,
      )
      return line.slice(line.indexOf(text) + text.length)
    },
    async ended() {
      await closed
      return { code: child.exitCode, output, errors }
    },
    interrupt: () => void child.kill('SIGINT'),
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) child.kill()
      await closed
    },
  }
}

/** Runs `x-receiver` to its end. */
export function runCli(args: readonly string[], options = {}) {
  return startCli(args, options).ended()
}
