import { expect, it } from 'vitest'
import { anchorsOf, linksOf } from '../page-links.ts'

it('finds relative links, and none in code, comments and addresses', () => {
  const text = [
    'See [one](a.md) and [two](../b.md#part-two), ![picture](c.png), [code `x`](d.md).',
    '[elsewhere](https://example.com/a.md), [mail](mailto:a@example.com), `[no](e.md)`',
    '```md',
    '[no](f.md)',
    '```',
    '<!-- before',
    '[no](g.md)',
    '-->',
    '| [cell](h.md) | [other](#here) |',
  ]
  expect(linksOf(text.join('\n'))).toEqual([
    { line: 1, target: 'a.md' },
    { line: 1, target: '../b.md#part-two' },
    { line: 1, target: 'c.png' },
    { line: 1, target: 'd.md' },
    { line: 9, target: 'h.md' },
    { line: 9, target: '#here' },
  ])
})

it('names headings as GitHub does', () => {
  const text = [
    '# Title',
    '## 500 `body_consumed`: first',
    '## What? (really)',
    '## Title',
    '```',
    '## no',
    '```',
  ]
  expect([...anchorsOf(text.join('\n'))]).toEqual([
    'title',
    '500-body_consumed-first',
    'what-really',
    'title-1',
  ])
})
