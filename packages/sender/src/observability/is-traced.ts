import { ProxyTracerProvider, trace } from '@opentelemetry/api'

// What spans go to while no SDK is registered.
const NOWHERE = new ProxyTracerProvider().getDelegate()

/** Whether anybody records spans. Asked before each, since a span that nobody records has its cost. */
export function isTraced(): boolean {
  const provider = trace.getTracerProvider()
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== NOWHERE
}
