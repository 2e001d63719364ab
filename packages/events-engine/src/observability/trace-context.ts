import { AsyncResource } from 'node:async_hooks'
import { context, isSpanContextValid, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api'
import type { SyncEvent } from '@x/events-core'

// Later versions may append fields; version ff is forbidden. Anybody may have written into the column.
const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?<traceId>[0-9a-f]{32})-(?<spanId>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?:-|$)/

// Beside the events and not in them: what subscribers and clients see of an event stays its own fields.
const traceparents = new WeakMap<SyncEvent, string>()

/** Notes which trace an event was raised in, unless the text tells of none. */
export function rememberTraceparent(event: SyncEvent, traceparent: string | null): void {
  if (traceparent !== null && TRACEPARENT.test(traceparent)) traceparents.set(event, traceparent)
}

/**
 * The trace that an event was raised in, as the text of a W3C `traceparent` header: for whoever
 * carries an event on to another process.
 *
 * @param event - as a subscriber got it: a copy of an event tells nothing.
 * @returns undefined where the event was raised outside of any trace.
 * @example
 * ```ts
 * import type { IEventSubscriber } from '@x/events-core'
 * import { traceparentOf } from '@x/events-engine/support'
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

/** A span as the text of a W3C `traceparent` header, or null for one that is none. */
export function formatTraceparent(span: SpanContext): string | null {
  if (!isSpanContextValid(span)) return null
  const flags = (span.traceFlags & 0xff).toString(16).padStart(2, '0')
  return `00-${span.traceId}-${span.spanId}-${flags}`
}

/** The span that a text tells of, or undefined for what is none. */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  if (text === undefined) return undefined
  const { traceId, spanId, flags } = TRACEPARENT.exec(text)?.groups ?? {}
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
  return isSpanContextValid(span) ? span : undefined
}

/**
 * Runs what goes on in the background outside of the trace, and of any other asynchronous context, of
 * whoever happens to set it off: the queries of a poll are no part of the request that raised an event.
 */
export const detached: <TResult>(work: () => TResult) => TResult = AsyncResource.bind(
  <TResult>(work: () => TResult) => context.with(ROOT_CONTEXT, work),
)
