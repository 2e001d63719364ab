import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { blocksOfPage } from '../../scripts/code-blocks.ts'
import { runChild } from '../../scripts/setup/child-process.mjs'
import { root } from '../../scripts/setup/paths.mjs'

const consumer = inject('consumer')

const codeOf = (page: string) =>
  blocksOfPage(join(root, page)).find(({ language }) => language === 'js')?.code ?? ''

it('is the same in README and docs', () => {
  expect(codeOf('README.md')).toBe(codeOf('docs/quick-start.md'))
  expect(codeOf('README.md').split('\n').length).toBeLessThan(45)
})

it('receives and verifies a webhook, twice in a row', async () => {
  const folder = await mkdtemp(join(consumer, 'quick-start-'))
  await writeFile(join(folder, 'app.mjs'), codeOf('docs/quick-start.md'))
  const env = { ...process.env, WEBHOOK_KEY: 'cd'.repeat(32), NODE_OPTIONS: '' }
  for (let run = 0; run < 2; run++) {
    const { code, output } = await runChild(process.execPath, ['app.mjs'], { cwd: folder, env })
    expect(code, output).toBe(0)
    expect(output).toContain("received and verified: Invoice.Create { invoiceId: 7, total: '9.90' }")
  }
})

it('says what is missing where there is no key', async () => {
  const folder = await mkdtemp(join(consumer, 'quick-start-'))
  await writeFile(join(folder, 'app.mjs'), codeOf('docs/quick-start.md'))
  const { WEBHOOK_KEY: _, ...env } = process.env
  const { code, output } = await runChild(process.execPath, ['app.mjs'], { cwd: folder, env })
  expect(code).toBe(1)
  expect(output).toMatch(/encryptionKey must be 32 bytes/)
})
