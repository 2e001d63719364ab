import { type Page, pageInput } from '../domain/page.ts'
import { entityRoutes } from './entity-routes.ts'

export const pageRoutes = entityRoutes({
  entityName: 'Page',
  input: pageInput,
  isPublic: true,
  idOf: (page: Page) => page.pageId,
  list: ({ pageRepository }) => pageRepository.getPages(),
  get: ({ pageRepository }, id) => pageRepository.getPage(id),
  add: ({ pageRepository }, input) => pageRepository.addPage(input),
  update: ({ pageRepository }, id, input) => pageRepository.updatePage(id, input),
  remove: ({ pageRepository }, id) => pageRepository.deletePage(id),
})
