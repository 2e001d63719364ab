import { AsyncResource } from 'node:async_hooks'
import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { EventsError, eventTypeOf, type SyncEvent } from '@x/events-core'
import { storableText, thrownMessage, thrownText } from '../util/storable-text.ts'

/** The name of the meter and of the tracer. */
export const SCOPE = '@x/events-engine'

// Later versions may append fields; version ff is forbidden. Other programs may have written into the column.
const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?<traceId>[0-9a-f]{32})-(?<spanId>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?:-|$)/

// Beside the events and not in them, so that subscribers and clients see no additional field.
const traceparents = new WeakMap<SyncEvent, string>()

/** Remembers the trace in which an event was raised, unless the text is not a valid one. */
export function rememberTraceparent(event: SyncEvent, traceparent: string | null): void {
  if (traceparent !== null && TRACEPARENT.test(traceparent)) traceparents.set(event, traceparent)
}

/**
 * The trace in which an event was raised, as the text of a W3C `traceparent` header, for passing the event on to another
 * process.
 *
 * @param event - the object that a subscriber received; a copy of it has no trace.
 * @returns undefined where the event was raised outside of any trace.
 * @example
 * ```ts
 * import type { IEventSubscriber } from '@x/events-core'
 * import { traceparentOf } from '@x/events-engine/internal'
 *
 * const forward: IEventSubscriber = {
 *   async entityChanged(event) {
 *     const traceparent = traceparentOf(event)
 *     await fetch('http://audit.internal/', {
 *       method: 'POST',
 *       headers: traceparent === undefined ? {} : { traceparent },
 *       body: event.id,
 *     })
 *   },
 * }
 * ```
 */
export function traceparentOf(event: SyncEvent): string | undefined {
  return traceparents.get(event)
}

/** The text of the span that is active for the caller, or null where there is none. */
export function activeTraceparent(): string | null {
  const span = trace.getActiveSpan()
  return span === undefined ? null : formatTraceparent(span.spanContext())
}

/** A span as the text of a W3C `traceparent` header; null for an invalid span. */
export function formatTraceparent(span: SpanContext): string | null {
  if (!isSpanContextValid(span)) return null
  const flags = (span.traceFlags & 0xff).toString(16).padStart(2, '0')
  return `00-${span.traceId}-${span.spanId}-${flags}`
}

/** The span of a `traceparent` text; undefined for any other text. */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  if (text === undefined) return undefined
  const { traceId, spanId, flags } = TRACEPARENT.exec(text)?.groups ?? {}
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
  return isSpanContextValid(span) ? span : undefined
}

/**
 * Runs background work outside of the trace, and of any other asynchronous context, of its caller: the queries of a poll
 * are not part of the request that raised an event.
 */
export const detached: <TResult>(work: () => TResult) => TResult = AsyncResource.bind(
  <TResult>(work: () => TResult) => context.with(ROOT_CONTEXT, work),
)

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
