import { timingSafeEqual } from 'node:crypto'
import type { RequestHandler } from 'express'
import type { Services } from '../composition/services.ts'
import type { HostConfig } from '../config.ts'
import { hashOfToken } from '../repositories/secret-hash.ts'
import { bearerToken } from './authorize.ts'
import { ProblemError } from './problem.ts'

/**
 * Shows the metrics to who has their token or administers the first tenant, or to everybody if the host is set up so.
 * An address tells nothing: whoever comes through a proxy on this machine has this machine's.
 */
export function guardMetrics(
  { metricsToken, hasOpenMetrics }: Pick<HostConfig, 'metricsToken' | 'hasOpenMetrics'>,
  { guessLimit, tokenRepository, tenantRepository }: Services,
): RequestHandler {
  async function isGood(token: string): Promise<true | undefined> {
    if (metricsToken !== undefined && isSame(token, metricsToken)) return true
    const holder = await tokenRepository.findHolder(token)
    return (holder && (await tenantRepository.isFirst(holder.tenantId))) || undefined
  }

  return async (request, response, next) => {
    response.set('cache-control', 'no-store')
    if (hasOpenMetrics) return next()
    const { authorization } = request.headers
    const token = bearerToken(authorization)
    if (token !== undefined && authorization !== undefined) {
      const guess = { client: request.ip, credential: authorization }
      if (await guessLimit.find(guess, () => isGood(token))) return next()
    }
    throw new ProblemError(
      401,
      'This needs the header Authorization: Bearer with the token of METRICS_TOKEN, or that of an administrator of the first tenant.',
    )
  }
}

function isSame(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(hashOfToken(one)), Buffer.from(hashOfToken(other)))
}
