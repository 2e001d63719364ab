import { posix } from 'node:path'
import { HAS_SCHEME, HIDDEN, LINK, outsideCode } from './site-pages.ts'

/**
 * A README as npm can show it.
 *
 * @param folder - of the package, relative to the root
 * @param repository - its URL; without one, links to files of the repository become text, and images go
 */
export function readmeForNpm(text: string, folder: string, repository?: string): string {
  const base = repository?.replace(/^git\+/, '').replace(/\.git$/, '')
  function linkOf(match: string, mark: string, label: string, link: string): string {
    if (HAS_SCHEME.test(link) || link.startsWith('#')) return match
    if (base === undefined) return mark === '!' ? '' : label
    const path = posix.join(folder, link)
    return `${mark}[${label}](${base}/${mark === '!' ? 'raw' : 'blob'}/HEAD/${path})`
  }
  return outsideCode(text, (prose) => prose.replaceAll(HIDDEN, '').replaceAll(LINK, linkOf))
}
