import type { RequestHandler } from 'express'
import { readId } from '../http/read-id.ts'

const PUBLIC_ENTITIES = ['Site', 'Folder', 'File', 'Page', 'Module', 'PageModule', 'Language', 'UrlMapping']
const CHANGES = ['Create', 'Update', 'Delete']

/** What everybody may know of: what to load anew, and changes of what everybody may read. */
const PUBLIC_EVENTS = [
  '*.Refresh',
  '*.Reload',
  ...PUBLIC_ENTITIES.flatMap((entity) => CHANGES.map((change) => `${entity}.${change}`)),
]

/**
 * Server-sent events of the tenant that the request came in for, or with `?siteId=` of one of its
 * sites. Whoever has a token hears of everything, anybody else of what is public.
 */
export const streamEvents: RequestHandler = (request, response) => {
  const { syncStreams, tenantManager } = request.services
  const { caller, query, ip } = request
  syncStreams.answer(request, response, {
    tenantId: tenantManager.tenantId,
    siteId: query['siteId'] === undefined ? undefined : readId(query['siteId'], 'siteId'),
    filter: caller ? undefined : PUBLIC_EVENTS,
    user: caller?.name,
    address: ip,
  })
}
