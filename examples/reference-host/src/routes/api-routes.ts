import type { GuessLimit } from '@x/portal'
import { json, Router } from 'express'
import type { EntityKind } from '../entities/entity-kind.ts'
import { entityKinds } from '../entities/entity-kinds.ts'
import { identifyCaller, requireAdminToWrite } from '../http/authorize.ts'
import { knownQuery } from '../http/known-query.ts'
import { mount } from '../http/mounted-routes.ts'
import { noStore } from '../http/no-store.ts'
import { refuseCrossSite } from '../http/same-site.ts'
import type { OwnedRow } from '../repositories/entity-repository.ts'
import { fileRoutes } from './file-routes.ts'
import { folderRoutes } from './folder-routes.ts'
import { kindRoutes } from './kind-routes.ts'
import { loginRoutes } from './login-routes.ts'
import { showOpenApiDocument } from './openapi-route.ts'
import { pageRoutes } from './page-routes.ts'
import { siteRoutes } from './site-routes.ts'
import { syncRoutes } from './sync-routes.ts'
import { tenantRoutes } from './tenant-routes.ts'
import { tokenRoutes } from './token-routes.ts'
import { userRoutes } from './user-routes.ts'

// Each of the kinds fits together; what they have in common, no type can say.
type AnyKind = EntityKind<OwnedRow, unknown>

/** What requests may weigh, and how often credentials may be wrong. */
export interface ApiLimits {
  readonly guessLimit: GuessLimit
  readonly maxBodyBytes: number
  readonly maxUploadBytes: number
}

/**
 * Everything below `/api`. Sites, pages and what they show are a public web site: everybody may read
 * them. What is about people, and every change, is for the tenant's administrators.
 */
export function apiRoutes({ guessLimit, maxBodyBytes, maxUploadBytes }: ApiLimits): Router {
  const router = Router()
  // Before the body is parsed: strangers do not get to have theirs read.
  router.use(noStore, identifyCaller(guessLimit), refuseCrossSite)
  // Its routes say themselves what they take.
  mount(router, '/Sync', syncRoutes)
  router.use(knownQuery())
  mount(router, '/User', loginRoutes())
  router.get('/openapi.json', showOpenApiDocument())
  router.use(requireAdminToWrite)
  router.use(json({ limit: maxBodyBytes }))
  mount(router, '/File', fileRoutes(maxUploadBytes))
  mount(router, '/Site', siteRoutes)
  mount(router, '/Folder', folderRoutes)
  mount(router, '/Page', pageRoutes)
  mount(router, '/User', userRoutes)
  mount(router, '/Tenant', tenantRoutes)
  mount(router, '/Token', tokenRoutes)
  for (const kind of entityKinds) mount(router, `/${kind.entityName}`, kindRoutes(kind as AnyKind))
  return router
}
