import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'vite'
import { expect, inject, it } from 'vitest'
import { entryPoints } from './entry-points.ts'

const consumer = inject('consumer')

const forBrowsers = ['@x/events-core', '@x/signature', '@x/receiver', '@x/client']

it.each(entryPoints().filter(({ specifier }) => forBrowsers.includes(specifier)))(
  '$specifier',
  async ({ specifier }) => {
    const entry = join(consumer, `${specifier.replaceAll('/', '+')}-browser.js`)
    await writeFile(entry, `import * as it from '${specifier}'\nglobalThis.it = it\n`)
    const result = await build({
      root: consumer,
      configFile: false,
      logLevel: 'silent',
      build: { write: false, minify: false, lib: { entry, formats: ['es'], fileName: 'bundle' } },
    })
    const code = [result]
      .flat()
      .flatMap((part) => ('output' in part ? part.output : []))
      .map((chunk) => ('code' in chunk ? chunk.code : ''))
      .join('')
    expect(code).toContain('globalThis.it')
    expect(code).not.toMatch(/['"]node:|__vite-browser-external|\brequire\(/)
  },
)
