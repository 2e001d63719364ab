import { siteKeyOf } from '@x/events-core'
import { z } from 'zod'
import { defineEntity, type InputOfEntity, type RowOfEntity, refreshSite } from '../entity/define-entity.ts'
import { EntityRepository, type RepositoryServices } from '../entity/entity-repository.ts'
import { line, optional, text } from '../entity/fields.ts'

const PATH = /^[\p{L}\p{N}._~/-]{1,200}$/u

/**
 * A page of a site. A page that changes is told of twice, as in Oqtane: the database raises the page's change, and
 * the repository the site's refresh, upon which clients fetch their pages again.
 */
export const page = defineEntity({
  name: 'Page',
  noun: 'A page',
  scope: 'site',
  migration: '0005-page',
  fields: {
    name: text(line(100).min(1)),
    /** The name when left out. */
    title: optional(text(line(200))),
    /** Where the site shows it. Made of the name when left out: `About us` is shown at `about-us`. */
    path: optional(text(z.string().regex(PATH, 'letters, digits and ._~/- only'))),
  },
  unique: ['siteId', 'path'],
  taken: 'The site already shows a page at that path; choose another name or path.',
  isPublic: true,
  isSynchronized: true,
  example: { pageId: 12, tenantId: 1, siteId: 1, name: 'About', title: 'About us', path: 'about' },
  columns: ({ name, title = name, path = pathOf(name) }) => ({ title, path }),
  also: refreshSite,
  stale: (cache, row) => cache.sitePages.remove(siteKeyOf(row)),
})

type Page = RowOfEntity<typeof page>

declare module '../entity/define-entity.ts' {
  interface Entities {
    Page: typeof page
  }
}

function pathOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '-')
}

/** The pages of one tenant's sites. An entity that is read in ways of its own has a repository such as this one. */
export class PageRepository extends EntityRepository<Page, InputOfEntity<typeof page>> {
  constructor(services: RepositoryServices) {
    super(services, page)
  }

  /** What clients fetch again upon the site's refresh; from memory, until an event tells of a change. */
  async getSitePages(siteId: number): Promise<readonly Page[]> {
    const { hostCache, tenantManager } = this.services
    const { tenantId } = tenantManager
    const pages = await hostCache.sitePages.read(siteKeyOf({ tenantId, siteId }), () => this.list({ siteId }))
    return pages as readonly Page[]
  }
}
