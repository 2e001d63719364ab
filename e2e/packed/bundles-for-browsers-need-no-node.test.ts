import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { run } from '../../scripts/pack.ts'
import { bundleForBrowsers } from './bundle.ts'
import { entryPoints } from './entry-points.ts'

const consumer = inject('consumer')
const forBrowsers = [
  '@x/events-core',
  '@x/signature',
  '@x/receiver',
  '@x/receiver/testing',
  '@x/client',
  '@x/portal/element',
]
const entries = entryPoints().filter(({ specifier }) => forBrowsers.includes(specifier))

it.each(entries)('$specifier brings no node: module', async ({ specifier }) => {
  const entry = join(consumer, `${specifier.replaceAll('/', '+')}-browser.js`)
  await writeFile(entry, `import * as it from '${specifier}'\nglobalThis.it = it\n`)
  const code = await bundleForBrowsers(consumer, entry)
  expect(code).toContain('globalThis.it')
  expect(code).not.toMatch(/['"]node:|__vite-browser-external|\brequire\(/)
})

it('a bundled receiver verifies and handles a request', async () => {
  const code = await bundleForBrowsers(consumer, join(consumer, 'programs', 'handle-a-request.ts'))
  expect(code).not.toMatch(/['"]node:/)
  await writeFile(join(consumer, 'bundled-receiver.mjs'), code)
  expect(await run(process.execPath, ['bundled-receiver.mjs'], consumer)).toBe('')
})
