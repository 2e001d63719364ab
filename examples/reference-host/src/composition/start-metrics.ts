import { metrics } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import type { RequestHandler } from 'express'

/**
 * Collects what the host, the engine and the sender measure through OpenTelemetry, for the whole process;
 * before the engine is made.
 *
 * @returns what answers with all of it, in the text format of Prometheus.
 */
export function startMetrics(): RequestHandler {
  // It would listen on a port of its own; here it is a route of the host's.
  const exporter = new PrometheusExporter({ preventServerStart: true })
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [exporter] }))
  return (request, response) => exporter.getMetricsRequestHandler(request, response)
}
