import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { run } from '../../scripts/pack.ts'

it('x-receiver is a command of whoever installs @x/receiver', async () => {
  const consumer = inject('consumer')
  const output = await run(join(consumer, 'node_modules', '.bin', 'x-receiver'), ['--help'], consumer)
  expect(output).toContain('x-receiver send <url>')
})
