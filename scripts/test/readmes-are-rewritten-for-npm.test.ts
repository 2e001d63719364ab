import { expect, it } from 'vitest'
import { readmeForNpm } from '../readme-links.ts'

const text = [
  'See [`options`](../../docs/send/options.md#limits), [npm](https://npmjs.com) and [below](#below).',
  '![A page](../../docs/portal/endpoint.png)',
  '<!-- before',
  'hidden()',
  '-->',
  '```ts',
  "const link = '[a](../../b.md)'",
  '```',
].join('\n')

it('leads to the repository', () => {
  const shown = readmeForNpm(text, 'packages/sender', 'git+https://github.com/owner/name.git')
  const base = 'https://github.com/owner/name'
  expect(shown).toContain(`[\`options\`](${base}/blob/HEAD/docs/send/options.md#limits)`)
  expect(shown).toContain(`![A page](${base}/raw/HEAD/docs/portal/endpoint.png)`)
  expect(shown).toContain('[npm](https://npmjs.com) and [below](#below)')
  expect(shown).not.toContain('hidden')
})

it('leads nowhere without one, and leaves code as it is', () => {
  const shown = readmeForNpm(text, 'packages/sender')
  expect(shown).toContain('See `options`, [npm](https://npmjs.com) and [below](#below).')
  expect(shown).not.toContain('endpoint.png')
  expect(shown).toContain("const link = '[a](../../b.md)'")
})
