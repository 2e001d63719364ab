import { timingSafeEqual } from 'node:crypto'
import { metrics } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import type { RequestHandler } from 'express'
import { ProblemError } from '../http/problems.ts'
import { bearerToken } from '../people/caller.ts'
import { hashOfToken } from '../people/secret-hash.ts'
import type { ShowMetrics } from './services.ts'
import { isFirstTenant } from './tenants.ts'

/**
 * Collects what the host, the engine and the sender measure through OpenTelemetry, for the whole process;
 * before the engine is made.
 *
 * @returns what answers with all of it, in the text format of Prometheus.
 */
export function startMetrics(): ShowMetrics {
  // It would listen on a port of its own; here it is a route of the host's.
  const exporter = new PrometheusExporter({ preventServerStart: true })
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [exporter] }))
  return (request, response) => exporter.getMetricsRequestHandler(request, response)
}

/**
 * Measures how long answers take, by method, route and status. Routes are named as they were written,
 * with `:id`, so that their number does not grow with the entities.
 */
export function measureRequests(): RequestHandler {
  const duration = metrics.getMeter('reference-host').createHistogram('http.server.request.duration', {
    unit: 's',
    description: 'How long answers take.',
    advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] },
  })

  return (request, response, next) => {
    const startedAt = performance.now()
    response.on('close', () => {
      const route = request.route as { readonly path?: unknown } | undefined
      const isKnown = typeof route?.path === 'string'
      duration.record((performance.now() - startedAt) / 1_000, {
        'http.request.method': request.method,
        'http.response.status_code': response.statusCode,
        ...(isKnown ? { 'http.route': `${request.baseUrl}${route.path}` } : {}),
      })
    })
    next()
  }
}

/**
 * Shows the metrics to requests with their token or that of an administrator of the first tenant, or to everybody if
 * the host is set up so. An address tells nothing: what comes through a proxy on this machine has this machine's.
 */
export const guardMetrics: RequestHandler = async (request, response, next) => {
  const { config, db, guessLimit, tokenRepository } = request.services
  response.set('cache-control', 'no-store')
  if (config.hasOpenMetrics) return next()

  async function isGood(token: string): Promise<true | undefined> {
    if (config.metricsToken !== undefined && isSame(token, config.metricsToken)) return true
    const holder = await tokenRepository.findHolder(token)
    return (holder && (await isFirstTenant(db, holder.tenantId))) || undefined
  }
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

function isSame(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(hashOfToken(one)), Buffer.from(hashOfToken(other)))
}
