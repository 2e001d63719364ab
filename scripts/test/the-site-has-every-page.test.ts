import { expect, it } from 'vitest'
import { contentsOf } from '../site-contents.ts'
import { sitePageOf, sitePages, targetOf } from '../site-pages.ts'

it('has every page once in its table of contents', () => {
  const pages = sitePages()
  const listed = contentsOf(pages).flatMap(({ items }) => items.map(({ source }) => source))
  expect(listed.toSorted()).toEqual(pages.map(({ source }) => source).toSorted())
  expect(new Set(pages.map(({ target }) => target)).size).toBe(pages.length)
})

it('puts pages where their readers look for them', () => {
  expect(targetOf('README.md')).toBe('index.md')
  expect(targetOf('docs/send/README.md')).toBe('send/index.md')
  expect(targetOf('docs/send/order.md')).toBe('send/order.md')
  expect(targetOf('packages/receiver/README.md')).toBe('packages/receiver.md')
  expect(targetOf('CONTRIBUTING.md')).toBe('contributing.md')
})

it('leads links to pages of the site, and makes text of those to code', () => {
  const text = [
    '# `one` page',
    '',
    'First [two](two.md#part) and [package](../packages/receiver/README.md).',
    '',
    '<!-- before',
    'const hidden = 1',
    '-->',
    '',
    '```ts',
    'const shown = "[no](link.md)" // <!-- stays -->',
    '```',
    '',
    '[test](../e2e/a.test.ts), [folder](send), [file](production/alerts.yaml), ![picture](portal/a.png)',
  ].join('\n')
  const isPage = (source: string) =>
    ['docs/two.md', 'docs/send/README.md', 'packages/receiver/README.md'].includes(source)
  const { markdown, title, summary, assets } = sitePageOf('docs/one.md', text, isPage)
  expect(title).toBe('one page')
  expect(summary).toBe('First two and package.')
  expect(markdown).toContain('[two](./two.md#part) and [package](./packages/receiver.md)')
  expect(markdown).toContain('const shown = "[no](link.md)" // <!-- stays -->')
  expect(markdown).not.toContain('hidden')
  expect(markdown).toContain(
    'test, [folder](./send/index.md), <a href="/docs/production/alerts.yaml" target="_self">file</a>',
  )
  expect(assets).toEqual(['docs/production/alerts.yaml', 'docs/portal/a.png'])
})
