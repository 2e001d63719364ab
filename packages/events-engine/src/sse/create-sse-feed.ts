import type { IncomingMessage, ServerResponse } from 'node:http'
import { ALL_SITES, ALL_TENANTS, type SyncEvent, steadyClock } from '@x/events-core'
import { internalsOf } from '../internals.ts'
import { createEventIdGenerator } from '../raise/event-id.ts'
import { createPeriodic } from '../util/periodic.ts'
import { readAudience, resolveSseFeedOptions, type SseAudience, type SseFeedOptions } from './options.ts'
import { nodeSink, type SseSink, webSink } from './sinks.ts'
import { createSseStream, reloadFrame, retryFrame, type SseStream } from './sse-stream.ts'
import { createStreamLimits, refusal, refuse, type SseRefusal } from './stream-limits.ts'
import { readSseStart, type SseStart, whereToBegin } from './where-to-begin.ts'

/** The counters of a feed of server-sent events. */
export interface SseFeedStats {
  /** Streams that are open now. */
  readonly open: number
  readonly opened: number
  /** Requests that got 429 or 503. */
  readonly refused: number
  /** Streams that were closed because their clients read nothing any more. */
  readonly stalled: number
}

/** Streams the events of an engine to any number of clients. Made by {@link createSseFeed}. */
export interface SseFeed extends AsyncDisposable {
  /**
   * Responds to a request of Node's HTTP server, Express or Fastify (`request.raw`, `reply.raw`) with a stream, or with a
   * problem document (RFC 9457) where there are too many.
   *
   * @throws EventEngineError `invalid_argument`, `invalid_option`, about the audience.
   */
  answer(request: IncomingMessage, response: ServerResponse, audience: SseAudience): void
  /**
   * The same for a `Request` of the Fetch standard, as in Hono.
   *
   * @throws EventEngineError `invalid_argument`, `invalid_option`, about the audience.
   */
  respond(request: Request, audience: SseAudience): Response
  stats(): SseFeedStats
  /** Ends every stream, so that clients reconnect elsewhere, and refuses new ones. Call it before the server closes. */
  close(): Promise<void>
}

/**
 * Creates the handler of `GET /api/Sync/stream`: an event stream (HTML, 9.2) of a tenant's events, each with its position
 * as the id, so that a client resumes with `Last-Event-ID` without a gap.
 *
 * A node reads the log once for all clients that have caught up. A slow client reads at its own pace, and one that reads
 * nothing is cut off.
 *
 * @throws EventEngineError `invalid_option`; `invalid_argument` for an engine of another copy of this package.
 * @example
 * ```ts
 * import type { IncomingMessage, ServerResponse } from 'node:http'
 * import type { EventEngine } from '@x/events-engine'
 * import { createSseFeed } from '@x/events-engine/sse'
 *
 * function streamOf(engine: EventEngine) {
 *   const sse = createSseFeed({ engine, limits: { perUser: 10 } })
 *   return (request: IncomingMessage, response: ServerResponse) =>
 *     sse.answer(request, response, { tenantId: 1, siteId: 7, user: 'ada' })
 * }
 * ```
 */
export function createSseFeed(options: SseFeedOptions): SseFeed {
  const settings = resolveSseFeedOptions(options)
  const source = internalsOf(options.engine).feed
  const { clock, logger, heartbeatMs, retryMs, stalledMs, maxAgeMs, maxEventsBehind } = settings
  const steady = steadyClock(clock)
  const limits = createStreamLimits(settings.limits)
  const nextEventId = createEventIdGenerator(() => clock.now())
  const streams = new Set<OpenStream>()
  let opened = 0
  let refused = 0
  let stalled = 0
  let isClosed = false

  function wantedBy(audience: SseAudience): (event: SyncEvent) => boolean {
    const { tenantId, siteId, filter } = readAudience(audience)
    const wants = source.wantedBy(tenantId, filter)
    if (siteId === undefined) return wants
    return (event) =>
      wants(event) &&
      (event.siteId === siteId || event.siteId === ALL_SITES || event.tenantId === ALL_TENANTS)
  }

  function admit(audience: SseAudience): (() => void) | SseRefusal {
    const admitted: (() => void) | SseRefusal = isClosed
      ? {
          status: 503,
          code: 'stopping',
          detail: 'The host is stopping; come again.',
          retryAfterSeconds: 1,
        }
      : limits.take(audience)
    if (typeof admitted !== 'function') refused += 1
    return admitted
  }

  const heartbeat = createPeriodic({
    run: async () => beat(),
    failed: (error) => logger.error({ err: error }, 'A heartbeat of the event streams failed'),
    everyMs: heartbeatMs,
    firstAfterMs: heartbeatMs,
    clock,
  })

  function beat(): void {
    const now = steady.now()
    for (const { stream, endsAt } of [...streams]) {
      if (stream.blockedSince !== undefined && now - stream.blockedSince > stalledMs) {
        stalled += 1
        stream.cut()
      } else if (now > endsAt) stream.end()
      else stream.beat()
    }
  }

  async function run(
    sink: SseSink,
    stream: SseStream,
    tenantId: number,
    wants: (event: SyncEvent) => boolean,
    start: SseStart,
  ): Promise<void> {
    try {
      sink.write(retryFrame(retryMs))
      const { position, mustReload } = await whereToBegin(source, start, maxEventsBehind, clock)
      const write = await source.writer()
      if (mustReload) sink.write(reloadFrame(write(position), nextEventId(), tenantId, new Date(clock.now())))
      await stream.run(source.read(wants, position, sink.closed), write)
    } catch (error) {
      // The database may be unavailable: the client reconnects, and resumes.
      logger.warn({ err: error, tenantId }, 'A stream of events ended early')
    }
    stream.end()
  }

  function open(
    sink: SseSink,
    { tenantId }: SseAudience,
    wants: (event: SyncEvent) => boolean,
    start: SseStart,
    leave: () => void,
  ): void {
    opened += 1
    const stream = createSseStream(sink, clock, steady)
    // Streams that were opened together must not all end together.
    const endsAt = steady.now() + maxAgeMs * (0.9 + Math.random() / 5)
    const ended = run(sink, stream, tenantId, wants, start)
    const entry = { stream, endsAt, ended }
    streams.add(entry)
    heartbeat.start()
    const remove = () => {
      leave()
      streams.delete(entry)
      if (streams.size === 0) void heartbeat.stop()
    }
    if (sink.closed.aborted) remove()
    else sink.closed.addEventListener('abort', remove)
  }

  async function close(): Promise<void> {
    isClosed = true
    void heartbeat.stop()
    const ending = [...streams]
    for (const { stream } of ending) stream.end()
    await Promise.all(ending.map(({ ended }) => ended))
  }

  return {
    answer(request, response, audience) {
      const wants = wantedBy(audience)
      const leave = admit(audience)
      if (typeof leave !== 'function') return refuse(response, leave)
      // Not parsed as a URL: a path that begins with two slashes is none.
      const query = new URLSearchParams(request.url?.split('?')[1])
      const lastEventId = request.headers['last-event-id']
      const sink = nodeSink(response)
      open(sink, audience, wants, readSseStart(lastEventId?.toString(), query), leave)
      if (request.method === 'HEAD') sink.end()
    },
    respond(request, audience) {
      const wants = wantedBy(audience)
      const leave = admit(audience)
      if (typeof leave !== 'function') return refusal(leave)
      const { sink, response } = webSink(request.signal)
      const query = new URL(request.url).searchParams
      open(sink, audience, wants, readSseStart(request.headers.get('last-event-id'), query), leave)
      return response
    },
    stats: () => ({ open: streams.size, opened, refused, stalled }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface OpenStream {
  readonly stream: SseStream
  readonly endsAt: number
  readonly ended: Promise<void>
}
