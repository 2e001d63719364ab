import { json, Router } from 'express'
import { identifyCaller, requireAdminToWrite } from '../http/authorize.ts'
import { fileRoutes } from './file-routes.ts'
import { folderRoutes } from './folder-routes.ts'
import { pageRoutes } from './page-routes.ts'
import { siteRoutes } from './site-routes.ts'
import { syncRoutes } from './sync-routes.ts'
import { userRoutes } from './user-routes.ts'

/** What requests may weigh. */
export interface ApiLimits {
  readonly maxBodyBytes: number
  readonly maxUploadBytes: number
}

/**
 * Everything below `/api`. Sites, folders, files and pages are a public web site: everybody may read
 * them. Users, the download log and every change want a token of the tenant.
 */
export function apiRoutes({ maxBodyBytes, maxUploadBytes }: ApiLimits): Router {
  const router = Router()
  // Before the body is parsed: strangers do not get to have theirs read.
  router.use(identifyCaller, requireAdminToWrite)
  router.use(json({ limit: maxBodyBytes }))
  router.use('/File', fileRoutes(maxUploadBytes))
  router.use('/Site', siteRoutes)
  router.use('/Folder', folderRoutes)
  router.use('/Page', pageRoutes)
  router.use('/User', userRoutes)
  router.use('/Sync', syncRoutes)
  return router
}
