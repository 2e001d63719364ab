import { expect, it } from 'vitest'
import { withOptionTables } from '../option-tables.ts'

const page = (comment: string) => `# Page\n\n${comment}\n\nold\n\n<!-- /options -->\n\nText\n`

it('writes the options that are named, with default and meaning on one line', () => {
  const text = withOptionTables(page('<!-- options CircuitOptions of sender: failures -->'), 'page.md')
  const rows = text.split('\n').filter((line) => line.startsWith('| `'))
  expect(rows).toHaveLength(1)
  expect(rows[0]).toMatch(/^\| `failures` +\| `5` +\| Failures in a row/)
  expect(text).toMatch(/^# Page\n\n<!-- options[\s\S]*<!-- \/options -->\n\nText\n$/)
  expect(text).not.toContain('old')
})

it('writes all of them where none is named, and is stable', () => {
  const text = withOptionTables(page('<!-- options CircuitOptions of sender -->'), 'page.md')
  expect(text.match(/^\| `/gm)).toHaveLength(3)
  expect(withOptionTables(text, 'page.md')).toBe(text)
})

it('says which page names what is not there', () => {
  const write = (comment: string) => () => withOptionTables(page(comment), 'page.md')
  expect(write('<!-- options NoOptions of sender -->')).toThrow(
    'page.md: @x/sender has no interface NoOptions',
  )
  expect(write('<!-- options CircuitOptions of sender: none -->')).toThrow(
    'CircuitOptions has no option none',
  )
})
