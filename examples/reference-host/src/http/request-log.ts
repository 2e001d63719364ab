import { randomUUID } from 'node:crypto'
import type { Logger } from '@x/events-core'
import type { RequestHandler } from 'express'

declare global {
  namespace Express {
    interface Request {
      /** Names this request in the log, and in answers that tell of a failure. */
      requestId: string
    }
  }
}

/** Gives every request an id, and tells of each when it is over. */
export function logRequests(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now()
    const { method, originalUrl } = request
    request.requestId = randomUUID()
    response.set('x-request-id', request.requestId)
    response.on('close', () => {
      const durationMs = Math.round(performance.now() - startedAt)
      const { requestId } = request
      logger.debug(
        { requestId, method, url: originalUrl, status: response.statusCode, durationMs },
        'Request',
      )
    })
    next()
  }
}
