import { timingSafeEqual } from 'node:crypto'
import type { RequestHandler } from 'express'
import { hashOfToken } from '../repositories/secret-hash.ts'
import { bearerToken } from './authorize.ts'
import { ProblemError } from './problem.ts'

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/

/**
 * Shows the metrics to who has their token. Where none is set, to programs of this machine, but not
 * through a proxy on it, which everybody may come by.
 */
export function guardMetrics(metricsToken: string | undefined): RequestHandler {
  return (request, response, next) => {
    response.set('cache-control', 'no-store')
    if (metricsToken !== undefined) {
      const given = Buffer.from(hashOfToken(bearerToken(request.headers.authorization) ?? ''))
      if (timingSafeEqual(given, Buffer.from(hashOfToken(metricsToken)))) return next()
      throw new ProblemError(401, 'This needs the token of METRICS_TOKEN.')
    }
    const isProxied =
      request.headers['x-forwarded-for'] !== undefined || request.headers.forwarded !== undefined
    if (LOOPBACK.test(request.socket.remoteAddress ?? '') && !isProxied) return next()
    throw new ProblemError(403, 'Set METRICS_TOKEN to read the metrics from elsewhere.')
  }
}
