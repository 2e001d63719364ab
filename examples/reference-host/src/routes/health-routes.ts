import { Router } from 'express'
import { type Kysely, sql } from 'kysely'
import type { HostTables } from '../database/tables.ts'
import { sendProblem } from '../http/problem.ts'

/** What {@link healthRoutes} asks. */
export interface Health {
  readonly db: Kysely<HostTables>
  /** False from the moment the host was told to stop. */
  isOpen(): boolean
}

/** `/healthz`: the process lives. `/readyz`: it can do its work, so that requests may be sent to it. */
export function healthRoutes({ db, isOpen }: Health): Router {
  const router = Router()
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  router.get('/readyz', async (_request, response) => {
    if (!isOpen()) return sendProblem(response, 503, { detail: 'The host is starting or stopping.' })
    await sql`select 1`.execute(db)
    response.json({ status: 'ready' })
  })
  return router
}
