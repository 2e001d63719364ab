import { PortalProblem } from './problem.ts'

/**
 * Refuses changes that another site makes a browser ask for: where the host's `authorize` goes by a
 * cookie, the browser would send it along.
 *
 * @throws PortalProblem 403
 */
export function assertSameOrigin(request: Request): void {
  if (request.method === 'GET') return
  const fetchSite = request.headers.get('sec-fetch-site')
  const origin = request.headers.get('origin')
  const isForeign =
    fetchSite === null
      ? origin !== null && URL.parse(origin)?.host !== new URL(request.url).host
      : fetchSite !== 'same-origin' && fetchSite !== 'none'
  if (!isForeign) return
  throw new PortalProblem(403, 'cross_site', 'Changes must be asked for from the pages of this site.')
}
