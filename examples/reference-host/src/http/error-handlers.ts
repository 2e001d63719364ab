import type { Logger } from '@x/events-core'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { sendProblem } from './problem.ts'
import { problemOf } from './problem-of.ts'

/** Answers what no route took. */
export const noSuchRoute: RequestHandler = (_request, response) => {
  sendProblem(response, 404, { detail: 'There is nothing at this address.' })
}

// The client went away in the middle of an answer: nobody's fault, and nobody to tell.
function isClientGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'
}

/**
 * Turns whatever a route threw into a problem document. Of what is the host's own fault the client
 * learns the id under which the log tells the rest.
 */
export function handleErrors(logger: Logger): ErrorRequestHandler {
  return (error, request, response, next) => {
    const problem = problemOf(error)
    const { requestId } = request
    const isOurs = (problem?.status ?? 500) >= 500 && !isClientGone(error)
    if (!isOurs) logger.debug({ requestId, err: error }, 'Refused a request')
    else
      logger.error({ requestId, err: error, method: request.method, path: request.path }, 'A request failed')
    // Part of an answer is out: all that is left is to end it, so that it is not taken for whole.
    if (response.headersSent) return next(error)
    if (problem) {
      const { status, retryAfterSeconds, ...details } = problem
      if (status === 401) response.set('www-authenticate', 'Bearer')
      if (retryAfterSeconds !== undefined) response.set('retry-after', String(retryAfterSeconds))
      return sendProblem(response, status, isOurs ? { ...details, requestId } : details)
    }
    sendProblem(response, 500, { detail: 'The host failed; its log tells why.', requestId })
  }
}
