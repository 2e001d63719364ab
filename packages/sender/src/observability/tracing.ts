import {
  type Attributes,
  context,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { SyncEvent } from '@x/events-core'
import { formatTraceparent, parseTraceparent, traceparentOf } from '@x/events-engine/internal'
import type { DeliveryTarget } from '../deliver/delivery-target.ts'
import type { AttemptResult } from '../deliveries/attempt-result.ts'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import { SCOPE } from './metrics.ts'

// The provider while no SDK is registered.
const NOWHERE = new ProxyTracerProvider().getDelegate()

/** Whether spans are recorded. Checked before each one, since a no-op span has its cost too. */
function isTraced(): boolean {
  const provider = trace.getTracerProvider()
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== NOWHERE
}

type TracedTarget = Pick<DeliveryTarget, 'endpointId' | 'tenantId' | 'origin'>
type TracedDelivery = Pick<DueDelivery, 'eventId' | 'attemptCount' | 'traceparent'>

/** The trace of an attempt. */
export interface AttemptTrace {
  /** Headers of the request, name and value in turn. */
  readonly headers: readonly string[]
  /** Runs the sending function in the span of the attempt. */
  send(work: () => void): void
  /** Ends the span with the outcome; undefined for an attempt that `stop()` has cut off. */
  end(result: AttemptResult | undefined): void
}

/**
 * Begins the trace of an attempt: its span, and the headers that let the consumer's spans join it. Where spans are not
 * recorded, the raiser's trace is passed on unchanged.
 *
 * @returns undefined when there is neither.
 */
export function traceAttempt(
  target: TracedTarget,
  delivery: TracedDelivery,
  sendsHeaders: boolean,
): AttemptTrace | undefined {
  if (isTraced()) return inSpan(target, delivery, sendsHeaders)
  const { traceparent } = delivery
  if (traceparent === null || !sendsHeaders) return undefined
  return { headers: ['traceparent', traceparent], send: (work) => work(), end() {} }
}

function inSpan(target: TracedTarget, delivery: TracedDelivery, sendsHeaders: boolean): AttemptTrace {
  const raiser = parseTraceparent(delivery.traceparent ?? undefined)
  const parent = raiser === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, raiser)
  const attributes = attributesOf(target, delivery)
  const options = { kind: SpanKind.CLIENT, attributes }
  const span = trace.getTracer(SCOPE).startSpan('webhook attempt', options, parent)

  return {
    headers: sendsHeaders ? headersOf(span) : [],
    send: (work) => context.with(trace.setSpan(parent, span), work),
    end(result) {
      if (result === undefined) span.setAttribute('x_webhooks.interrupted', true)
      else describeEnd(span, result)
      span.end()
    },
  }
}

/** Leaves out path and query of the URL, which may hold a credential. */
function attributesOf(
  { endpointId, tenantId, origin }: TracedTarget,
  { eventId, attemptCount }: TracedDelivery,
): Attributes {
  const { protocol, hostname, port } = new URL(origin)
  return {
    'http.request.method': 'POST',
    'url.scheme': protocol.slice(0, -1),
    'server.address': hostname,
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    'messaging.message.id': eventId,
    'x_webhooks.endpoint_id': endpointId,
    'x_webhooks.tenant_id': tenantId,
    'x_webhooks.attempt': attemptCount + 1,
  }
}

function headersOf(span: Span): string[] {
  const spanContext = span.spanContext()
  const traceparent = formatTraceparent(spanContext)
  if (traceparent === null) return []
  const tracestate = spanContext.traceState?.serialize() ?? ''
  return tracestate === ''
    ? ['traceparent', traceparent]
    : ['traceparent', traceparent, 'tracestate', tracestate]
}

function describeEnd(span: Span, { status, errorCode, state }: AttemptResult): void {
  if (status !== null) span.setAttribute('http.response.status_code', status)
  if (errorCode === null) return
  span.setAttribute('error.type', errorCode)
  if (state === 'exhausted') span.setAttribute('x_webhooks.exhausted', true)
  // No message: it may quote the response.
  span.setStatus({ code: SpanStatusCode.ERROR })
}

/** The spans of one batch's fan-out, one for each message. */
export interface FanOutSpans {
  /** @returns the traceparent that the message's attempts belong to; null where there is no trace. */
  begin(event: SyncEvent, eventType: string, deliveries: number): string | null
  /** Ends the spans once the messages are stored. Without this call they are never reported. */
  end(): void
}

/**
 * Continues the trace in which each event was raised. Where spans are not recorded, the attempts belong to the raiser's
 * span itself.
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
