import { parseSyncDate } from '@x/events-core'
import { Router } from 'express'
import { InvalidInputError } from '../domain/errors.ts'
import { knownQuery } from '../http/known-query.ts'
import { streamEvents } from './sync-stream.ts'

/** The date of clients that have nothing to catch up on: they only learn what to ask with next. */
const MINIMUM_SYNC_DATE = '00010101000000000'

/**
 * `GET /api/Sync/stream`: events as they happen. `GET /api/Sync/:lastSyncDate`: what clients have to
 * refresh or reload since they last asked, for those whom no stream reaches.
 */
export const syncRoutes: Router = Router()

syncRoutes.get('/stream', knownQuery('siteId', 'lastEventId', 'since'), streamEvents)

syncRoutes.use(knownQuery())
syncRoutes.get('/:lastSyncDate', async (request, response) => {
  const text = request.params['lastSyncDate']
  const lastSyncDate = parseSyncDate(text)
  if (!lastSyncDate) throw new InvalidInputError({ lastSyncDate: ['must be a date: yyyyMMddHHmmssfff'] })
  const { engine, tenantManager } = request.services
  const since = text === MINIMUM_SYNC_DATE ? undefined : lastSyncDate
  response.json(await engine.syncManager.getSync(tenantManager.tenantId, since))
})
