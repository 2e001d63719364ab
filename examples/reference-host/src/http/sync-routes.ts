import { parseSyncDate } from '@x/events-core'
import { z } from 'zod'
import { entities } from '../entities/entities.ts'
import { InvalidInputError } from '../entity/errors.ts'
import { readId, route } from './route.ts'

/** The date of clients that have nothing to catch up on: they only learn what to ask with next. */
const MINIMUM_SYNC_DATE = '00010101000000000'

/** What everybody may know of: what to load anew, and changes of what everybody may read. */
const PUBLIC_EVENTS = [
  '*.Refresh',
  '*.Reload',
  ...entities
    .filter(({ isPublic }) => isPublic)
    .flatMap(({ name }) => ['Create', 'Update', 'Delete'].map((change) => `${name}.${change}`)),
]

const syncSchema = z.object({
  syncDate: z.iso.datetime(),
  syncEvents: z.array(
    z.object({
      id: z.string(),
      tenantId: z.int(),
      siteId: z.int(),
      siteKey: z.string(),
      entityName: z.string(),
      entityId: z.union([z.int(), z.string()]),
      action: z.string(),
      modifiedOn: z.iso.datetime(),
    }),
  ),
})

/** How clients hear of events: as they happen, or by asking now and then where no stream reaches them. */
export const syncRoutes = [
  route({
    method: 'get',
    path: '/api/Sync/stream',
    summary: 'Events as they happen: server-sent events, resumed by Last-Event-ID',
    tag: 'Sync',
    audience: 'everybody',
    query: {
      siteId: { description: 'Of one site only.', schema: { type: 'integer' } },
      lastEventId: {
        description: 'As the header Last-Event-ID, for clients that cannot set one.',
        schema: { type: 'string' },
      },
      since: { description: 'Begin at a date: yyyyMMddHHmmssfff.', schema: { type: 'string' } },
    },
    output: { contentType: 'text/event-stream', schema: { type: 'string' } },
    alsoAnswers: [400, 429, 503],
    handle({ services: { syncStreams, tenantManager }, request, response }) {
      const { caller, query, ip } = request
      syncStreams.answer(request, response, {
        tenantId: tenantManager.tenantId,
        siteId: query['siteId'] === undefined ? undefined : readId(query['siteId'], 'siteId'),
        filter: caller ? undefined : PUBLIC_EVENTS,
        user: caller?.name,
        address: ip,
      })
    },
  }),
  route({
    method: 'get',
    path: '/api/Sync/:lastSyncDate',
    summary: 'What to refresh or reload since a date: yyyyMMddHHmmssfff',
    tag: 'Sync',
    audience: 'everybody',
    output: syncSchema,
    async handle({ services: { engine, tenantManager }, request }) {
      const { lastSyncDate } = request.params
      const date = parseSyncDate(String(lastSyncDate))
      if (!date) throw new InvalidInputError({ lastSyncDate: ['must be a date: yyyyMMddHHmmssfff'] })
      const since = lastSyncDate === MINIMUM_SYNC_DATE ? undefined : date
      return engine.syncManager.getSync(tenantManager.tenantId, since)
    },
  }),
]
