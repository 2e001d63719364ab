import { siteKeyOf } from '@x/events-core'
import { z } from 'zod'
import { defineEntity, refreshSite } from '../entity/define-entity.ts'
import { line, text } from '../entity/fields.ts'
import { route } from '../http/route.ts'
import { page } from './page.ts'

/** A web site of a tenant. */
export const site = defineEntity({
  name: 'Site',
  noun: 'A site',
  scope: 'tenant',
  migration: '0002-site',
  fields: { name: text(line(200).min(1)) },
  used: 'The site still has an alias, pages, folders or files; remove them first.',
  isPublic: true,
  example: { tenantId: 1, siteId: 1, name: 'Main' },
  also: (row, { action }) => (action === 'Update' ? refreshSite(row) : []),
  // Files have somewhere to go from the start.
  async added({ tenantId, siteId }, { trx }) {
    await trx.insertInto('folder').values({ tenantId, siteId, parentId: null, name: 'Files' }).execute()
  },
  async removing({ siteId }, { trx }) {
    await trx.deleteFrom('folder').where('siteId', '=', siteId).where('parentId', 'is', null).execute()
  },
  cached: (cache, tenantId, siteId) => [cache.sites, siteKeyOf({ tenantId, siteId })],
})

declare module '../entity/define-entity.ts' {
  interface Entities {
    Site: typeof site
  }
}

/** What clients show: the site that a request came in by, and the pages of a site. */
export const siteRoutes = [
  route({
    method: 'get',
    path: '/api/Site/current',
    summary: 'The site that the request came in by',
    tag: 'Site',
    audience: 'everybody',
    output: site.schema,
    alsoAnswers: [404],
    handle: ({ services }) => services.repositoryOf(site).require(services.tenantManager.getAlias().siteId),
  }),
  route({
    method: 'get',
    path: '/api/Site/:id/pages',
    summary: 'What clients fetch again upon Site.Refresh',
    tag: 'Site',
    audience: 'everybody',
    output: z.array(page.schema),
    async handle({ services, id }) {
      await services.repositoryOf(site).require(id)
      return services.pageRepository.getSitePages(id)
    },
  }),
]
