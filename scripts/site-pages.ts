// The pages of the site: the documentation of the repository, at other addresses.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { documentationPages } from './doc-examples.ts'
import { root } from './setup/paths.mjs'

/** A page of the site. */
export interface SitePage {
  /** The file in the repository, relative to the root: `docs/send/README.md`. */
  readonly source: string
  /** The file on the site: `send/index.md`. */
  readonly target: string
  readonly title: string
  /** Its first paragraph, in plain text. */
  readonly summary: string
  readonly markdown: string
  /** Images and other files that it shows or offers, relative to the root. */
  readonly assets: readonly string[]
}

const posixPath = (path: string) => path.split(sep).join('/')

/** Where a page of the repository stands on the site. */
export function targetOf(source: string): string {
  if (source === 'README.md') return 'index.md'
  const inFolder = /^(packages|examples)\/([^/]+)\/README\.md$/.exec(source)
  if (inFolder) return `${inFolder[1]}/${inFolder[2]}.md`
  const path = source.replace(/^docs\//, '')
  return /^[A-Z]+\.md$/.test(path) ? path.toLowerCase() : path.replace(/(^|\/)README\.md$/, '$1index.md')
}

export const HIDDEN = /^<!--[\s\S]*?-->\n?/gm
export const LINK = /(!?)\[((?:[^\]\\]|\\.)*)\]\(([^()\s]+)\)/g
export const HAS_SCHEME = /^[a-z][a-z\d+.-]*:/i
const OFFERED = /\.(?:png|svg|json|ya?ml|mjs)$/

/** Applies a change to what is no code: neither fenced nor between backquotes. */
export function outsideCode(text: string, change: (prose: string) => string): string {
  return text
    .split(/(^\s*(`{3,})[^\n]*\n[\s\S]*?^\s*\2[ \t]*$)/m)
    .map((part, index) => (index % 3 === 0 ? change(part) : index % 3 === 1 ? part : ''))
    .join('')
}

/** A page as the site has it. Links to files that are not on the site become text. */
export function sitePageOf(source: string, text: string, isPage: (source: string) => boolean): SitePage {
  const target = targetOf(source)
  const assets = new Set<string>()
  function linkOf(match: string, mark: string, label: string, link: string): string {
    if (HAS_SCHEME.test(link) || link.startsWith('#')) return match
    const [path = '', anchor] = link.split('#')
    const file = posix.normalize(posix.join(posix.dirname(source), path))
    const hash = anchor === undefined ? '' : `#${anchor}`
    const from = posix.dirname(target)
    if (isPage(file)) return `[${label}](${relativeLink(from, targetOf(file))}${hash})`
    const folder = posix.join(file, 'README.md')
    if (isPage(folder)) return `[${label}](${relativeLink(from, targetOf(folder))}${hash})`
    if (!OFFERED.test(file)) return label
    assets.add(file)
    // Images are bundled; other files are offered as they are.
    return mark === '!'
      ? `![${label}](${relativeLink(from, file)})`
      : `<a href="/${file}" target="_self">${label.replaceAll('`', '')}</a>`
  }
  const shown = outsideCode(text, (prose) => prose.replaceAll(HIDDEN, '').replaceAll(LINK, linkOf))
  const title = /^# (.*)$/m.exec(shown)?.[1] ?? source
  const summary = /^# .*\n+([^#|`<\n][\s\S]*?)\n\n/m.exec(shown)?.[1] ?? ''
  const plain = summary.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/\s+/g, ' ')
  return {
    source,
    target,
    title: title.replaceAll('`', ''),
    summary: plain,
    markdown: shown,
    assets: [...assets],
  }
}

function relativeLink(from: string, to: string): string {
  const path = posix.relative(from, to)
  return path.startsWith('.') ? path : `./${path}`
}

/** Every page of the site. */
export function sitePages(): SitePage[] {
  const files = documentationPages()
  const sources = new Set(files.map((file) => posixPath(relative(root, file))))
  return files.map((file) =>
    sitePageOf(posixPath(relative(root, file)), readFileSync(file, 'utf8'), (source) => sources.has(source)),
  )
}

/** The assets of pages that are there, with their folder on the site. */
export function assetsOf(pages: readonly SitePage[]): { from: string; to: string[] }[] {
  const files = new Set(pages.flatMap(({ assets }) => assets))
  return [...files]
    .filter((file) => existsSync(join(root, file)))
    .map((file) => ({
      from: join(root, file),
      to: /\.(?:png|svg)$/.test(file) ? [file] : ['public', dirname(file), posix.basename(file)],
    }))
}
