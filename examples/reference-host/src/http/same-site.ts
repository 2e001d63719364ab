import type { IncomingHttpHeaders } from 'node:http'
import type { RequestHandler } from 'express'
import { ProblemError } from './problem.ts'

/**
 * Refuses changes that another site makes a browser ask for, with the cookie that the browser sends
 * along. A token in a header comes from no browser by itself, so that those requests pass.
 */
export const refuseCrossSite: RequestHandler = (request, _response, next) => {
  const { method, headers } = request
  if (method === 'GET' || method === 'HEAD' || headers.authorization !== undefined) return next()
  if (isCrossSite(headers))
    throw new ProblemError(403, 'Changes must be asked for from the pages of this site.')
  next()
}

/**
 * The same for a GET that leaves a record. Whoever types the address, or follows a link to it from wherever, does
 * ask for it; a page that embeds it, fetches it or sends the browser there by itself does not.
 */
export const refuseCrossSiteGet: RequestHandler = ({ headers }, _response, next) => {
  const isFollowed = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-user'] === '?1'
  if (headers.authorization === undefined && isCrossSite(headers) && !isFollowed) {
    throw new ProblemError(403, 'This must be asked for from the pages of this site, or by following a link.')
  }
  next()
}

function isCrossSite({ 'sec-fetch-site': fetchSite, origin, host }: IncomingHttpHeaders): boolean {
  // Browsers too old to say it name the origin, if they say anything.
  if (fetchSite === undefined) return origin !== undefined && URL.parse(origin)?.host !== host
  return fetchSite !== 'same-origin' && fetchSite !== 'none'
}
