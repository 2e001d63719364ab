import { join } from 'node:path'
import { expect, it } from 'vitest'
import { blocksOfComments, blocksOfPage } from '../code-blocks.ts'
import { examplesOf } from '../doc-examples.ts'
import { root } from '../setup/paths.mjs'

const page = join(root, 'page.md')

it('makes one module of a block and those that continue it', () => {
  const text = [
    '# Title',
    '```ts',
    'const one = 1',
    '```',
    'Text',
    '```json',
    '{}',
    '```',
    '```ts continue',
    'const two = one + 1',
    '```',
    '```ts no-run',
    'alone()',
    '```',
  ]
  const [joined, alone, ...others] = examplesOf(blocksOfPage(page, text.join('\n')), true)
  expect(others).toEqual([])
  expect(joined?.code).toBe('const one = 1\nconst two = one + 1\nexport {}\n')
  expect(joined?.origins.map((origin) => origin.split(':').at(-1))).toEqual(['3', '10'])
  expect(joined?.isRun).toBe(true)
  expect(alone?.isRun).toBe(false)
  expect(alone?.program).toBe(joined?.program)
})

it('shows the declarations of an example to no other', () => {
  const text = ['```ts', "declare module '@x/events-core' {}", '```', '```ts', 'run()', '```']
  const [declares, other] = examplesOf(blocksOfPage(page, text.join('\n')), true)
  expect(declares?.program).not.toBe(other?.program)
})

it('has a file of a page imported by its other examples, and not run by itself', () => {
  const text = [
    '```ts file=events.ts',
    'export const one = 1',
    '```',
    '```ts',
    "import { one } from './events.ts'",
    '```',
  ]
  const [file, importing] = examplesOf(blocksOfPage(page, text.join('\n')), true)
  expect(file).toMatchObject({ fileName: 'page-md/events.ts', isRun: false })
  expect(importing).toMatchObject({ fileName: 'page-md/5.ts', isRun: true })
  expect(importing?.program).toBe(file?.program)
})

it('adds the comments before a block, and after the last one', () => {
  const text = [
    '<!-- before',
    'const given = 1',
    '-->',
    '```ts',
    'const one = given',
    '```',
    '<!-- after',
    'check(one)',
    '-->',
    '```ts continue',
    'const two = one + 1',
    '```',
    '',
    '<!-- after',
    'check(two)',
    '-->',
  ]
  const [example] = examplesOf(blocksOfPage(page, text.join('\n')), true)
  expect(example?.code).toBe(
    'const given = 1\nconst one = given\nconst two = one + 1\ncheck(two)\nexport {}\n',
  )
})

it('reads the examples of comments and leaves the code alone', () => {
  const text = [
    'const template = `',
    '```ts',
    'not an example',
    '```',
    '`',
    '/**',
    ' * What it is for.',
    ' *',
    ' * @example',
    ' * ```ts',
    ' * if (true) {',
    ' *   run()',
    ' * }',
    ' * ```',
    ' */',
    'export const run = () => template',
  ]
  const blocks = blocksOfComments(join(root, 'source.ts'), text.join('\n'))
  expect(blocks.map(({ line, code }) => ({ line, code }))).toEqual([
    { line: 11, code: 'if (true) {\n  run()\n}\n' },
  ])
})

it('says where a block does not end', () => {
  const text = ['text', '```ts', 'run()']
  expect(() => blocksOfPage(page, text.join('\n'))).toThrow(/page\.md:2: this code block does not end/)
})
