import { type Attributes, context, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'

/** A value that was collected: a sum, what a gauge shows, or how often a histogram was told something. */
export interface CollectedValue {
  readonly attributes: Attributes
  readonly value: number
}

/** OpenTelemetry's SDK as a host registers it, with what it gathers kept in memory. */
export interface RecordedTelemetry extends AsyncDisposable {
  /** The spans that have ended. */
  spans(): ReadableSpan[]
  /** Collects now. */
  collect(): Promise<ReadonlyMap<string, readonly CollectedValue[]>>
}

class ReaderOnDemand extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

/** Registers the SDK, until it is disposed of. */
export function recordTelemetry(): RecordedTelemetry {
  const exporter = new InMemorySpanExporter()
  const tracers = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  const reader = new ReaderOnDemand()
  const meters = new MeterProvider({ readers: [reader] })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(tracers)
  metrics.setGlobalMeterProvider(meters)

  return {
    spans: () => exporter.getFinishedSpans(),
    async collect() {
      const { resourceMetrics, errors } = await reader.collect()
      if (errors.length > 0) throw new AggregateError(errors)
      const collected = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
      return new Map(
        collected.map(({ descriptor, dataPoints }) => [
          descriptor.name,
          dataPoints.map(({ attributes, value }) => ({
            attributes,
            value: typeof value === 'number' ? value : value.count,
          })),
        ]),
      )
    },
    async [Symbol.asyncDispose]() {
      context.disable()
      trace.disable()
      metrics.disable()
      await tracers.shutdown()
      await meters.shutdown()
    },
  }
}
