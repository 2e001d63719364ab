import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'
import { expect, it } from 'vitest'

const entries = { '@x/client': '../src/index.ts', '@x/client/tabs': '../src/tabs.ts' }

/** What an application grows by: minified and gzipped, in bytes. */
async function sizeOf(code: string): Promise<number> {
  const entry = 'virtual:entry'
  const files = new Map(
    Object.entries(entries).map(([name, path]) => [name, fileURLToPath(new URL(path, import.meta.url))]),
  )
  const output = (await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['@x/source'] },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : files.get(id)),
        load: (id) => (id === entry ? code : undefined),
      },
    ],
    build: {
      write: false,
      target: 'es2024',
      rolldownOptions: { input: entry, preserveEntrySignatures: 'strict', output: { format: 'es' } },
    },
  })) as Rolldown.RolldownOutput
  const bundle = output.output.map((file) => ('code' in file ? file.code : '')).join('')
  return gzipSync(bundle, { level: 9 }).length
}

// Stream, polling, resuming, back-off, parsing, typed listeners, errors, options that are read whole.
it('follows a host in less than 5.65 KB, and shares that between tabs in less than 1.1 KB more', async () => {
  const client = await sizeOf("export { createSyncClient } from '@x/client'")
  const shared = await sizeOf(
    "export { createSyncClient } from '@x/client'; export { shareTabs } from '@x/client/tabs'",
  )
  process.stdout.write(`createSyncClient: ${client} bytes minified and gzipped, ${shared} with shareTabs\n`)
  expect(client).toBeLessThan(5.65 * 1024)
  expect(client).toBeGreaterThan(2_000)
  expect(shared - client).toBeLessThan(1.1 * 1024)
})

it('leaves out what is not used', async () => {
  expect(await sizeOf("export { observable } from '@x/client'")).toBeLessThan(1_600)
  expect(await sizeOf("export { SyncClientError } from '@x/client'")).toBeLessThan(400)
})
