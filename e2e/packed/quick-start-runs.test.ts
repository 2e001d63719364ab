import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { expect, inject, it } from 'vitest'
import { blocksOfPage } from '../../scripts/code-blocks.ts'
import { runChild } from '../../scripts/setup/child-process.mjs'
import { root } from '../../scripts/setup/paths.mjs'
import { raiseWithEachLibrary } from './database-libraries.ts'
import { firstScreen, followQuickStart, frameworks } from './quick-start.ts'

const consumer = inject('consumer')

it('is the same in README and docs', () => {
  const readme = blocksOfPage(join(root, 'README.md')).find(({ language }) => language === 'js')
  expect(readme?.code).toBe(firstScreen)
  expect(firstScreen.split('\n').length).toBeLessThan(45)
})

it('receives and verifies a webhook, twice in a row', async () => {
  const folder = await mkdtemp(join(consumer, 'quick-start-'))
  await writeFile(join(folder, 'app.mjs'), firstScreen)
  const env = { ...process.env, WEBHOOK_ENCRYPTION_KEY: 'cd'.repeat(32), NODE_OPTIONS: '' }
  for (let run = 0; run < 2; run++) {
    const { code, output } = await runChild(process.execPath, ['app.mjs'], { cwd: folder, env })
    expect(code, output).toBe(0)
    expect(output).toContain("received and verified: Invoice.Create { invoiceId: 7, total: '9.90' }")
  }
})

it('says what is missing where there is no key', async () => {
  const folder = await mkdtemp(join(consumer, 'quick-start-'))
  await writeFile(join(folder, 'app.mjs'), firstScreen)
  const { WEBHOOK_ENCRYPTION_KEY: _, ...env } = process.env
  const { code, output } = await runChild(process.execPath, ['app.mjs'], { cwd: folder, env })
  expect(code).toBe(1)
  expect(output).toMatch(/encryptionKey must be 32 bytes/)
})

it.concurrent.each(frameworks)('sends a webhook from an application on %s', async (framework) => {
  const { received, code, output } = await followQuickStart(process.execPath, consumer, framework)
  expect(received).toContain('Invoice.Create')
  // Nest ends with the signal itself, after its hooks.
  expect(code, output).toBe(framework === '@nestjs/core' ? null : 0)
})

it('raises an event with pg, Drizzle, Knex and Prisma, each in its transaction', async () => {
  const { code, output, events } = await raiseWithEachLibrary(process.execPath, consumer)
  expect(code, output).toBe(0)
  expect(events).toBe(4)
})
