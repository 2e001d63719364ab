import { AsyncResource } from 'node:async_hooks'
import { context, isSpanContextValid, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api'
import type { SyncEvent } from '@x/events-core'

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
