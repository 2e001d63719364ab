import type { RequestHandler } from 'express'
import { ProblemError } from './problem.ts'

/**
 * Refuses changes that another site makes a browser ask for, with the cookie that the browser sends
 * along. A token in a header comes from no browser by itself, so that those requests pass.
 */
export const refuseCrossSite: RequestHandler = (request, _response, next) => {
  const { method, headers } = request
  if (method === 'GET' || method === 'HEAD' || headers.authorization !== undefined) return next()
  const fetchSite = headers['sec-fetch-site']
  const { origin } = headers
  const isForeign =
    fetchSite === undefined
      ? origin !== undefined && URL.parse(origin)?.host !== headers.host
      : fetchSite !== 'same-origin' && fetchSite !== 'none'
  if (isForeign) throw new ProblemError(403, 'Changes must be asked for from the pages of this site.')
  next()
}
