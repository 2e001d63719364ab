import { z } from 'zod'
import { EntityConflictError } from '../domain/errors.ts'
import { entityId, line } from '../domain/input.ts'
import { requireRow } from '../repositories/require-row.ts'
import { entityKind, refreshSite } from './entity-kind.ts'

const pageModule = z.object({
  pageModuleId: entityId,
  tenantId: entityId,
  siteId: entityId,
  pageId: entityId,
  moduleId: entityId,
  pane: z.string(),
  position: z.int(),
})

/** Where a page shows a module. */
export type PageModule = Readonly<z.infer<typeof pageModule>>

// Events about it carry it, and the compiler knows.
declare module '@x/events-core' {
  interface EntityTypes {
    PageModule: PageModule
  }
}

const pageModuleInput = z.object({
  pageId: entityId,
  moduleId: entityId,
  pane: line(50).min(1).default('Content'),
  position: z.int().min(0).max(10_000).default(0),
})

export const pageModuleKind = entityKind<PageModule, z.infer<typeof pageModuleInput>>({
  table: 'pageModule',
  key: 'pageModuleId',
  entityName: 'PageModule',
  schema: pageModule,
  input: pageModuleInput,
  isPublic: true,
  taken: 'The page already shows that module.',
  async values(input, writing) {
    const { siteId } = await requireRow(writing, 'Page', input.pageId)
    const module = await requireRow(writing, 'Module', input.moduleId)
    if (module.siteId !== siteId) throw new EntityConflictError('The page and the module are of two sites.')
    return { ...input, siteId }
  },
  also: refreshSite,
})
