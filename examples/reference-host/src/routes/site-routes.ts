import { type Site, siteInput } from '../domain/site.ts'
import { entityRoutes } from './entity-routes.ts'

export const siteRoutes = entityRoutes({
  entityName: 'Site',
  input: siteInput,
  isPublic: true,
  idOf: (site: Site) => site.siteId,
  list: ({ siteRepository }) => siteRepository.getSites(),
  get: ({ siteRepository }, id) => siteRepository.getSite(id),
  add: ({ siteRepository }, input) => siteRepository.addSite(input),
  update: ({ siteRepository }, id, input) => siteRepository.updateSite(id, input),
  remove: ({ siteRepository }, id) => siteRepository.deleteSite(id),
})
