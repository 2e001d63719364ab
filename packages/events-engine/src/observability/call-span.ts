import {
  type Attributes,
  type Context,
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { EventsError, eventTypeOf, type SyncEvent } from '@x/events-core'
import { storableText, thrownMessage, thrownText } from '../util/storable-text.ts'
import { SCOPE } from './instruments.ts'
import { parseTraceparent, traceparentOf } from './trace-context.ts'

/** One call of a subscriber. */
export interface ObservedCall {
  readonly subscription: string
  /** At least one; several for a batch. */
  readonly events: readonly SyncEvent[]
  readonly attempt: number
  /** Aborted when the engine stops: a failure after that is not the subscriber's. */
  readonly signal: AbortSignal
}

/** As many as an SDK keeps by default. */
const MAX_LINKS = 128

/**
 * Makes a call in a span. The span of one event continues the trace in which the event was raised. The span of a batch
 * links to the traces of its events.
 */
export async function inCallSpan(call: ObservedCall, work: () => Promise<void>): Promise<void> {
  const { events, subscription, attempt, signal } = call
  const [event] = events
  const alone = event !== undefined && events.length === 1
  const parent = alone ? contextOf(event) : ROOT_CONTEXT
  const span = trace.getTracer(SCOPE).startSpan(
    alone ? `entityChanged ${eventTypeOf(event)}` : `entitiesChanged ${subscription}`,
    {
      kind: SpanKind.CONSUMER,
      links: alone ? [] : linksTo(events),
      attributes: {
        'messaging.system': 'x_events',
        'messaging.operation.type': 'process',
        'messaging.operation.name': alone ? 'entityChanged' : 'entitiesChanged',
        'messaging.consumer.group.name': subscription,
        'x_events.attempt': attempt,
        ...(alone ? attributesOf(event) : { 'messaging.batch.message_count': events.length }),
      },
    },
    parent,
  )
  try {
    await context.with(trace.setSpan(parent, span), work)
  } catch (error) {
    if (signal.aborted) {
      span.setAttribute('x_events.interrupted', true)
    } else {
      recordException(span, error)
      span.setAttribute('error.type', errorTypeOf(error))
      span.setStatus({ code: SpanStatusCode.ERROR, message: thrownMessage(error) })
    }
    throw error
  } finally {
    span.end()
  }
}

/** Records a thrown value. An SDK reads its properties, which may throw. */
function recordException(span: Span, error: unknown): void {
  try {
    span.recordException(error instanceof Error ? error : thrownMessage(error))
  } catch {
    span.recordException(thrownText(error))
  }
}

function contextOf(event: SyncEvent): Context {
  const raiser = parseTraceparent(traceparentOf(event))
  return raiser === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, raiser)
}

/** Links to the traces of a batch, each once. */
function linksTo(events: readonly SyncEvent[]): Link[] {
  const traceparents = new Set(events.map(traceparentOf))
  return [...traceparents]
    .flatMap((text) => {
      const raiser = parseTraceparent(text)
      return raiser === undefined ? [] : [{ context: raiser }]
    })
    .slice(0, MAX_LINKS)
}

function attributesOf(event: SyncEvent): Attributes {
  return {
    'messaging.message.id': event.id,
    'x_events.tenant_id': event.tenantId,
    'x_events.site_id': event.siteId,
    'x_events.entity_id': event.entityId,
  }
}

const MAX_LENGTH = 100

/** The `error.type` attribute of an error: one of few values, without any content of the error. */
export function errorTypeOf(error: unknown): string {
  try {
    if (EventsError.is(error)) return error.code
    return error instanceof Error ? storableText(String(error.name), MAX_LENGTH) : typeof error
  } catch {
    return 'unreadable'
  }
}
