// The quick starts of the documentation, done as a reader would, in a folder where the packed packages are installed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { waitFor } from '@x/testkit'
import ts from 'typescript'
import { blocksOfPage, type CodeBlock } from '../../scripts/code-blocks.ts'
import { nameOf } from '../../scripts/doc-examples.ts'
import { runChild } from '../../scripts/setup/child-process.mjs'
import { root } from '../../scripts/setup/paths.mjs'

const START_MS = 60_000

const page = blocksOfPage(join(root, 'docs', 'quick-start.md'))
const codeOf = (isIt: (block: CodeBlock) => boolean) => page.find(isIt)?.code ?? ''

/** The one file of the first screen. */
export const firstScreen = codeOf(({ language }) => language === 'js')

/** What each `main.ts` of the page imports; Next.js has none, since it compiles a whole project first. */
export const frameworks = ['express', 'fastify', '@nestjs/core', 'hono'] as const

/** A program that a reader has started. */
interface Program extends AsyncDisposable {
  /** What it has written so far. */
  output(): string
  /** Ends it as a process manager would; its exit code. */
  stop(): Promise<number | null>
}

function start(node: string, file: string, cwd: string, env: NodeJS.ProcessEnv, ...args: string[]): Program {
  const child = spawn(node, [file, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const ended = once(child, 'close')
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    const [code] = await ended
    return code
  }
  return {
    output: () => output,
    stop: () => end('SIGTERM'),
    [Symbol.asyncDispose]: async () => void (await end('SIGKILL')),
  }
}

/**
 * Follows "In your application" with one framework: adds an endpoint, listens, starts the application, creates an
 * invoice, stops the application. Answers what the consumer has shown, and how the application has ended.
 */
export async function followQuickStart(
  node: string,
  consumer: string,
  framework: (typeof frameworks)[number],
): Promise<{ readonly received: string; readonly code: number | null; readonly output: string }> {
  const folder = await mkdtemp(join(consumer, 'application-'))
  const [port, hookPort] = [await freePort(), await freePort()]
  const write = (name: string, code: string) =>
    writeFile(join(folder, name), code.replaceAll('4100', String(hookPort)))
  const named = (name: string) => codeOf((block) => nameOf(block) === name)
  const main = codeOf(({ code }) => code.startsWith('// main.ts') && code.includes(`from '${framework}'`))
  const isCompiled = framework === '@nestjs/core'
  await write('events.ts', named('events.ts'))
  await write('add-endpoint.ts', named('add-endpoint.ts'))
  await write(isCompiled ? 'main.js' : 'main.ts', isCompiled ? compile(main) : main)
  if (isCompiled) await write('events.js', compile(named('events.ts')))

  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    NO_COLOR: '1',
    PORT: String(port),
    WEBHOOK_ENCRYPTION_KEY: 'cd'.repeat(32),
  }
  const { code: added, output: secret } = await runChild(node, ['add-endpoint.ts'], { cwd: folder, env })
  if (added !== 0) throw new Error(secret)

  const command = join(consumer, 'node_modules', '@x', 'receiver', 'bin', 'x-receiver.js')
  const hookEnv = { ...env, WEBHOOK_SECRET: secret.trim() }
  await using hook = start(node, command, folder, hookEnv, 'listen', '--port', String(hookPort))
  await using application = start(node, isCompiled ? 'main.js' : 'main.ts', folder, env)
  const invoices = `http://127.0.0.1:${port}/invoices`
  await waitFor(async () => (await fetch(invoices)).status === 404, 'the application to listen', START_MS)
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(invoices, { method: 'POST', headers, body: '{"id":1,"total":"9.90"}' })
  if (response.status !== 201) throw new Error(`${response.status} ${application.output()}`)
  await waitFor(() => hook.output().includes('"total": "9.90"'), 'the webhook', START_MS)
  return { received: hook.output(), code: await application.stop(), output: application.output() }
}

// As `nest build` does: decorators are not JavaScript yet.
function compile(code: string): string {
  const compilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2023,
    experimentalDecorators: true,
  }
  return ts.transpileModule(code, { compilerOptions }).outputText
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
