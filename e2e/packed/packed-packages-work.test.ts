import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { run } from '../../scripts/pack.ts'

const consumer = inject('consumer')

it.each([
  ['signs and verifies in an ES module', 'sign-and-verify.ts'],
  ['signs and verifies in a CommonJS module', 'sign-and-verify.cjs'],
  ['handles a signed request', 'handle-a-request.ts'],
  ['receives in Express in a CommonJS module', 'receive-in-express.cjs'],
  ['raises an event in SQLite and hands it to a durable subscriber', 'raise-an-event.ts'],
])('%s', async (_, program) => {
  expect(await run(process.execPath, [join('programs', program)], consumer)).toBe('')
})
