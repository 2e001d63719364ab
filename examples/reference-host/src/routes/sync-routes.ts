import { parseSyncDate, type Sync } from '@x/events-core'
import { Router } from 'express'
import { InvalidInputError } from '../domain/errors.ts'

/** The date of clients that have nothing to catch up on: they only learn what to ask with next. */
const MINIMUM_SYNC_DATE = '00010101000000000'

/** `GET /api/Sync/:lastSyncDate`: what clients have to refresh or reload since they last asked. */
export const syncRoutes: Router = Router()

syncRoutes.get('/:lastSyncDate', async (request, response) => {
  const text = request.params['lastSyncDate']
  const lastSyncDate = parseSyncDate(text)
  if (!lastSyncDate) throw new InvalidInputError({ lastSyncDate: ['must be a date: yyyyMMddHHmmssfff'] })
  const { engine, tenantManager } = request.services
  // Taken before the events are: one raised in between is then told twice, instead of never. Clients
  // know an event by its id. A transaction that has raised and not committed yet holds the one
  // connection, so that the query waits for it; on PostgreSQL the date would have to lie further back.
  const syncDate = new Date()
  const syncEvents =
    text === MINIMUM_SYNC_DATE
      ? []
      : await engine.syncManager.getSyncEvents(tenantManager.tenantId, lastSyncDate)
  const sync: Sync = { syncDate, syncEvents }
  response.set('cache-control', 'no-store').json(sync)
})
