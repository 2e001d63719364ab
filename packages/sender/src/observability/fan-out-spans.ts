import { context, ROOT_CONTEXT, type Span, SpanKind, trace } from '@opentelemetry/api'
import type { SyncEvent } from '@x/events-core'
import { formatTraceparent, parseTraceparent, traceparentOf } from '@x/events-engine/support'
import { isTraced } from './is-traced.ts'
import { SCOPE } from './metrics.ts'

/** The spans of one batch's fan-out, one for each message. */
export interface FanOutSpans {
  /** @returns the traceparent that the message's attempts belong to; null where there is no trace. */
  begin(event: SyncEvent, eventType: string, deliveries: number): string | null
  /** The messages are stored. Without it, they never were, and there is nothing to tell. */
  end(): void
}

/**
 * Continues, for each event that becomes a message, the trace that it was raised in. Where nobody
 * records spans, the attempts belong to the raiser's span itself.
 */
export function createFanOutSpans(): FanOutSpans {
  const traced = isTraced()
  const spans: Span[] = []

  return {
    begin(event, eventType, deliveries) {
      const raisedIn = traceparentOf(event) ?? null
      if (!traced) return raisedIn
      const span = startSpan(event, eventType, deliveries, raisedIn)
      spans.push(span)
      return formatTraceparent(span.spanContext()) ?? raisedIn
    },
    end() {
      for (const span of spans) span.end()
    },
  }
}

function startSpan(event: SyncEvent, eventType: string, deliveries: number, raisedIn: string | null): Span {
  const raiser = parseTraceparent(raisedIn ?? undefined)
  const batch = trace.getSpanContext(context.active())
  return trace.getTracer(SCOPE).startSpan(
    `webhook fan-out ${eventType}`,
    {
      kind: SpanKind.PRODUCER,
      links: batch === undefined ? [] : [{ context: batch }],
      attributes: {
        'messaging.message.id': event.id,
        'x_webhooks.tenant_id': event.tenantId,
        'x_webhooks.deliveries': deliveries,
      },
    },
    raiser === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, raiser),
  )
}
