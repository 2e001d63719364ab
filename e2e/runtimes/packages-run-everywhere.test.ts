import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { describe, expect, inject, it } from 'vitest'
import { run } from '../../scripts/pack.ts'
import { runChild } from '../../scripts/setup/child-process.mjs'
import { root } from '../../scripts/setup/paths.mjs'
import { raiseWithEachLibrary } from '../packed/database-libraries.ts'
import { firstScreen, followQuickStart, frameworks } from '../packed/quick-start.ts'
import { installFromRegistry } from '../packed/registry.ts'
import { binaryOf, type RuntimeName, unavailable } from './runtimes.ts'

const consumer = unavailable ? '' : inject('consumer')

interface Result {
  readonly passed: number
  readonly failures: readonly string[]
}

function expectAllPassed({ passed, failures }: Result): void {
  expect(failures).toEqual([])
  expect(passed).toBeGreaterThan(190)
}

const programs = [
  { build: 'as an ES module', program: 'print-esm.js' },
  { build: 'as a CommonJS module', program: 'print-cjs.cjs' },
  { build: 'as a bundle for the Web', program: 'print-web.js' },
]
const scriptRuntimes: { runtime: RuntimeName; args: string[] }[] = [
  // It warns that ed25519 of WebCrypto is experimental.
  { runtime: 'node20', args: ['--no-warnings'] },
  { runtime: 'node22', args: [] },
  { runtime: 'node24', args: [] },
  { runtime: 'node26', args: [] },
  { runtime: 'bun', args: ['run'] },
  { runtime: 'deno', args: ['run', '--allow-all', '--no-config', '--node-modules-dir=manual'] },
]

if (unavailable) process.stderr.write(`\n*** Other runtimes were NOT TESTED: ${unavailable}. ***\n\n`)

describe.skipIf(unavailable)('the packed packages', () => {
  describe.each(scriptRuntimes)('in $runtime', ({ runtime, args }) => {
    it.each(programs)('$build', async ({ program }) => {
      const output = await run(binaryOf(runtime), [...args, program], consumer)
      expectAllPassed(JSON.parse(output))
    })
  })

  it('install from a registry with Node.js 22', () => installFromRegistry(binaryOf('node22'), consumer))

  // The portal gets its sender from the host, and loads none itself.
  it.each(['@x/events-engine', '@x/sender'])(
    '%s says in one sentence that Node.js 20 is too old',
    async (name) => {
      const script = `import('${name}').catch((error) => console.log(error.code, error.message))`
      expect(await run(binaryOf('node20'), ['--eval', script], consumer)).toMatch(
        /^unsupported_node @x\/events-engine, @x\/sender and @x\/portal need Node\.js 22\.19 or newer; this is 20\.19\.0\. Install/,
      )
    },
  )

  it.each(['node22', 'node26'] as const)(
    'raise an event and hand it to a subscriber in %s',
    async (runtime) => {
      expect(await run(binaryOf(runtime), [join('programs', 'raise-an-event.ts')], consumer)).toBe('')
    },
  )

  it.each(['node22', 'node24', 'node26'] as const)(
    'receive a webhook of the quick start in %s',
    async (runtime) => {
      const file = join(consumer, `quick-start-${runtime}.mjs`)
      await writeFile(file, firstScreen.replaceAll('4100', String(4_100 + Number(runtime.slice(4)))))
      const env = { ...process.env, WEBHOOK_ENCRYPTION_KEY: 'cd'.repeat(32), NODE_OPTIONS: '' }
      const { code: ended, output } = await runChild(binaryOf(runtime), [file], { cwd: consumer, env })
      expect(ended, output).toBe(0)
      expect(output).toContain('received and verified: Invoice.Create')
    },
  )

  // In Node.js 24: e2e/packed.
  it.concurrent.each(frameworks)('send a webhook from an application on %s in node22', async (framework) => {
    const { received, code, output } = await followQuickStart(binaryOf('node22'), consumer, framework)
    expect(received).toContain('Invoice.Create')
    expect(code, output).toBe(framework === '@nestjs/core' ? null : 0)
  })

  it('raise an event with pg, Drizzle, Knex and Prisma in node22', async () => {
    const { code, output, events } = await raiseWithEachLibrary(binaryOf('node22'), consumer)
    expect(code, output).toBe(0)
    expect(events).toBe(4)
  })

  it('in workerd, the runtime of Cloudflare Workers', async () => {
    const child = spawn(binaryOf('workerd'), ['serve', '--control-fd=3', 'workerd.capnp'], {
      cwd: consumer,
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    })
    const closed = once(child, 'close')
    try {
      const control = child.stdio[3] as NodeJS.ReadableStream
      const [message] = await Promise.race([once(control, 'data'), closed])
      const { port } = JSON.parse(String(message).split('\n')[0] ?? '')
      const response = await fetch(`http://127.0.0.1:${port}/`)
      expectAllPassed((await response.json()) as Result)
    } finally {
      child.kill()
      await closed
    }
  })
})

// Minutes, so where changes are judged, and when asked for.
const wantsSuites = process.env['CI'] !== undefined && unavailable === undefined
describe.runIf(wantsSuites)('the whole test suites of signature and receiver', () => {
  it.each(['node22', 'node26'] as const)('in %s', { timeout: 900_000 }, async (runtime) => {
    const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'packages']
    await run(binaryOf(runtime), [...args, 'packages/signature', 'packages/receiver'], root)
  })
})
