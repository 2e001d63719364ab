import { siteKeyOf } from '@x/events-core'
import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { HostTables } from '../database/tables.ts'
import { defineEntity } from '../entity/define-entity.ts'
import { line, optional, text } from '../entity/fields.ts'
import { route } from '../http/route.ts'
import { page } from './page.ts'

const CULTURE = /^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$/

/** What a site has that nothing else is said about. */
export const SITE_DEFAULTS = { renderMode: 'Interactive', runtime: 'Server', cultureCode: 'en' } as const

/** A web site of a tenant. */
export const site = defineEntity({
  name: 'Site',
  noun: 'A site',
  scope: 'tenant',
  migration: '0002-site',
  fields: {
    name: text(line(200).min(1)),
    /** How pages reach the browser, and where their components run: a change of either is a new application. */
    renderMode: optional(text(z.enum(['Static', 'Interactive', 'Headless']))),
    runtime: optional(text(z.enum(['Server', 'WebAssembly', 'Auto']))),
    cultureCode: optional(text(z.string().regex(CULTURE, 'must be a language tag: en, pt-BR'))),
  },
  used: 'The site still has an alias, pages, folders or files; remove them first.',
  isPublic: true,
  example: { tenantId: 1, siteId: 1, name: 'Main', ...SITE_DEFAULTS },
  columns: (input, _writing, before) => {
    const { renderMode, runtime, cultureCode } = before ?? SITE_DEFAULTS
    return {
      renderMode: input.renderMode ?? renderMode,
      runtime: input.runtime ?? runtime,
      cultureCode: input.cultureCode ?? cultureCode,
    }
  },
  async also(row, { action, before, trx, tenantId }) {
    if (action === 'Create') return []
    const isOther = before && (row.renderMode !== before.renderMode || row.runtime !== before.runtime)
    // Sites show each other's languages: a change of the culture concerns all of the tenant.
    const concernsAll = before && row.cultureCode !== before.cultureCode
    const siteIds = concernsAll ? await siteIdsOf(trx, tenantId) : [row.siteId]
    return siteIds.map((siteId) => ({
      entityName: 'Site',
      entityId: siteId,
      action: isOther ? 'Reload' : 'Refresh',
      siteId,
    }))
  },
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

async function siteIdsOf(db: Kysely<HostTables>, tenantId: number): Promise<number[]> {
  const sites = await db.selectFrom('site').select('siteId').where('tenantId', '=', tenantId).execute()
  return sites.map(({ siteId }) => siteId)
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
