import { metrics } from '@opentelemetry/api'
import type { RequestHandler } from 'express'

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
