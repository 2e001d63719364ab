import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'
import { expect, it } from 'vitest'

/** What a worker for the edge grows by: minified and gzipped, in bytes. */
async function sizeOf(code: string): Promise<number> {
  const entry = 'virtual:entry'
  const index = fileURLToPath(new URL('../src/index.ts', import.meta.url))
  const output = (await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['@x/source'] },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : id === '@x/signature' ? index : undefined),
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

// All that verifies: both algorithms, keys, headers, body, timestamps, options, errors. A quarter of it says what a pasted
// secret looks like that is none.
it('takes less than 4.5 KB at the edge to verify', async () => {
  const size = await sizeOf("export { createVerifier } from '@x/signature'")
  process.stdout.write(`createVerifier for the edge: ${size} bytes minified and gzipped\n`)
  expect(size).toBeLessThan(4.5 * 1024)
  expect(size).toBeGreaterThan(1_000)
})

it('leaves out what is not used', async () => {
  const all = await sizeOf("export * from '@x/signature'")
  const errors = await sizeOf("export { WebhookVerificationError } from '@x/signature'")
  expect(errors).toBeLessThan(400)
  expect(all).toBeGreaterThan(await sizeOf("export { createVerifier } from '@x/signature'"))
})
