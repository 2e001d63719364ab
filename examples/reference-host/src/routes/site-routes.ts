import { EntityNames } from '@x/events-core'
import { Router } from 'express'
import { EntityNotFoundError } from '../domain/errors.ts'
import { type Site, siteInput } from '../domain/site.ts'
import { readId } from '../http/read-id.ts'
import { entityRoutes } from './entity-routes.ts'

export const siteRoutes: Router = Router()

/** The site that the request's host name stands for. */
siteRoutes.get('/current', async (request, response) => {
  const { siteRepository, tenantManager } = request.services
  const { siteId } = tenantManager.getAlias()
  const site = await siteRepository.getSite(siteId)
  if (!site) throw new EntityNotFoundError(EntityNames.Site, siteId)
  response.json(site)
})

siteRoutes.get('/:id/pages', async (request, response) => {
  const { siteRepository, pageRepository } = request.services
  const id = readId(request.params['id'])
  if (!(await siteRepository.getSite(id))) throw new EntityNotFoundError(EntityNames.Site, id)
  response.json(await pageRepository.getSitePages(id))
})

siteRoutes.use(
  entityRoutes({
    entityName: 'Site',
    input: siteInput,
    isPublic: true,
    idOf: (site: Site) => site.siteId,
    list: ({ siteRepository }) => siteRepository.getSites(),
    get: ({ siteRepository }, id) => siteRepository.getSite(id),
    add: ({ siteRepository }, input) => siteRepository.addSite(input),
    update: ({ siteRepository }, id, input) => siteRepository.updateSite(id, input),
    remove: ({ siteRepository }, id) => siteRepository.deleteSite(id),
  }),
)
