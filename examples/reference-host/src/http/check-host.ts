import type { RequestHandler } from 'express'
import { ProblemError } from './problem.ts'

/** Refuses a request whose `Host` names none (RFC 9112, 3.2), before anything builds a URL of it. */
export const checkHost: RequestHandler = (request, _response, next) => {
  const { host } = request.headers
  if (!host || !/^[\w.:[\]-]+$/.test(host) || !URL.canParse(`http://${host}`)) {
    throw new ProblemError(400, 'The Host header is not a host name.')
  }
  next()
}
