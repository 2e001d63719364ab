import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

const run = promisify(execFile)
const require = createRequire(import.meta.url)
const packageFolder = fileURLToPath(new URL('..', import.meta.url))
const document = fileURLToPath(new URL('openapi/sender.json', import.meta.url))

const consumer = `
import { createReceiver, type EventsOfWebhooks, generateSecret } from '@x/receiver'
import type { webhooks } from './sender.js'

const receiver = createReceiver<EventsOfWebhooks<webhooks>>({ secrets: generateSecret() })
receiver.on('Invoice.Create', (event) => {
  const total: string | undefined = event.data.entity?.total
  const tenantId: number = event.data.tenantId
  // @ts-expect-error there is no such member
  event.data.amount
  return [total, tenantId]
})
receiver.on('File.Delete', (event) => {
  const type: 'File.Delete' = event.type
  const id: number = event.data.entityId
  return [type, id]
})
receiver.on('*', (event) => {
  const type: 'Invoice.Create' | 'File.Delete' = event.type
  return type
})
`

// In the package's own folder, from where its name leads to its sources.
let folder: string
beforeAll(async () => {
  await mkdir(join(packageFolder, '.types'), { recursive: true })
  folder = await mkdtemp(join(packageFolder, '.types', 'openapi-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('gives handlers the types of the sender, by way of openapi-typescript', async () => {
  const cli = join(require.resolve('openapi-typescript/package.json'), '..', 'bin', 'cli.js')
  await run(process.execPath, [cli, document, '-o', join(folder, 'sender.ts')])
  await writeFile(join(folder, 'consumer.ts'), consumer)
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: 'es2024',
    module: 'nodenext',
    types: ['node'],
    customConditions: ['@x/source'],
    allowImportingTsExtensions: true,
  }
  const config = join(folder, 'tsconfig.json')
  await writeFile(config, JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
  const { stdout } = await run(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', config]).catch(
    (error: { stdout: string }) => error,
  )
  expect(stdout).toBe('')
})
