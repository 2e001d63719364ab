import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { EntityNames, type SyncEvent } from '@x/events-core'
import { waitFor } from '@x/testkit'
import { type RecordedTelemetry, recordTelemetry } from '@x/testkit/telemetry'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEventEngine } from '../../src/index.ts'
import { traceparentOf } from '../../src/internal.ts'
import { type OpenEngine, onEachDatabase, site } from '../open-engine.ts'
import { openWatchedDatabase } from '../watch-queries.ts'

// Asked for anew each time: a tracer stays with the SDK that it was first used with.
const tracer = () => trace.getTracer('host')
const raise = ({ engine }: Pick<OpenEngine, 'engine'>, entityId = 1) =>
  engine.syncManager.addSyncEvent(site, EntityNames.File, entityId, 'Download', { data: { secret: 'x' } })

/** Runs something in a span of the host's, as a request would. */
const inRequest = <TResult>(work: () => Promise<TResult>) =>
  tracer().startActiveSpan('request', async (span) => {
    try {
      return { result: await work(), request: span.spanContext() }
    } finally {
      span.end()
    }
  })

onEachDatabase((open, dialect) => {
  describe('where an SDK is registered', () => {
    let telemetry: RecordedTelemetry
    const spansNamed = (name: string) => telemetry.spans().filter((span) => span.name === name)

    beforeEach(() => {
      telemetry = recordTelemetry()
    })
    afterEach(() => telemetry[Symbol.asyncDispose]())

    it('runs one trace from the request through the event to what the subscriber does', async () => {
      await using host = await open()
      const seen: (string | undefined)[] = []
      await host.engine.subscribe(
        {
          entityChanged(event) {
            seen.push(traceparentOf(event))
            tracer().startSpan('work of the subscriber').end()
          },
        },
        { name: 'files', mode: 'durable' },
      )
      await host.engine.start()
      const { request, result: event } = await inRequest(() => raise(host))
      const [call] = await waitFor(() => {
        const spans = spansNamed('entityChanged File.Download')
        return spans.length === 1 && spans
      }, 'the span of the call')
      const [work] = spansNamed('work of the subscriber')

      expect(call?.spanContext().traceId).toBe(request.traceId)
      expect(call?.parentSpanContext).toMatchObject({ spanId: request.spanId, isRemote: true })
      expect(call?.kind).toBe(SpanKind.CONSUMER)
      expect(call?.attributes).toMatchObject({
        'messaging.message.id': event.id,
        'messaging.consumer.group.name': 'files',
        'x_events.attempt': 1,
      })
      expect(JSON.stringify(call?.attributes)).not.toContain('secret')
      expect(work?.parentSpanContext?.spanId).toBe(call?.spanContext().spanId)
      const traceparent = `00-${request.traceId}-${request.spanId}-01`
      expect({ seen, raised: traceparentOf(event) }).toEqual({ seen: [traceparent], raised: traceparent })
    })

    it('goes on in an event that the subscriber raises in its turn', async () => {
      await using host = await open()
      const options = { mode: 'durable', filter: 'File.*' } as const
      const raisePage = () =>
        host.engine.syncManager.addSyncEvent(site, EntityNames.Page, 1, 'Update').then(() => {})
      await host.engine.subscribe({ entityChanged: raisePage }, { ...options, name: 'files' })
      await host.engine.subscribe({ entityChanged() {} }, { ...options, name: 'pages', filter: 'Page.*' })
      await host.engine.start()
      const { request } = await inRequest(() => raise(host))
      const [last] = await waitFor(() => {
        const spans = spansNamed('entityChanged Page.Update')
        return spans.length === 1 && spans
      }, 'the span of the second call')
      expect(last?.spanContext().traceId).toBe(request.traceId)
    })

    it('links a batch to the traces of its events, each once', async () => {
      await using host = await open()
      await host.engine.subscribe({ entitiesChanged() {} }, { name: 'batch', mode: 'durable', from: 'start' })
      const first = await inRequest(async () => {
        await raise(host, 1)
        await raise(host, 2)
      })
      const second = await inRequest(() => raise(host, 3))
      await raise(host, 4)
      await host.engine.start()
      const [call] = await waitFor(() => {
        const spans = spansNamed('entitiesChanged batch')
        return spans.length === 1 && spans
      }, 'the span of the batch')
      expect(call?.parentSpanContext).toBeUndefined()
      expect(call?.links.map((link) => link.context.spanId)).toEqual([
        first.request.spanId,
        second.request.spanId,
      ])
      expect(call?.attributes['messaging.batch.message_count']).toBe(4)
    })

    it('shows what a call threw, on every try, and keeps the trace of a parked event', async () => {
      await using host = await open()
      let failing = true
      await host.engine.subscribe(
        {
          entityChanged() {
            if (failing) throw new RangeError('no room')
          },
        },
        { name: 'files', mode: 'durable', retry: { maxAttempts: 2, firstDelayMs: 1 } },
      )
      await host.engine.start()
      const { request } = await inRequest(() => raise(host))
      await waitFor(async () => (await host.engine.subscriptions.parked('files')).length === 1, 'parking')
      failing = false
      await host.engine.subscriptions.resume('files')
      const calls = await waitFor(() => {
        const spans = spansNamed('entityChanged File.Download')
        return spans.length === 3 && spans
      }, 'three calls')

      expect(calls.map(({ status }) => status)).toEqual([
        { code: SpanStatusCode.ERROR, message: 'no room' },
        { code: SpanStatusCode.ERROR, message: 'no room' },
        { code: SpanStatusCode.UNSET },
      ])
      expect(calls[0]?.attributes['error.type']).toBe('RangeError')
      expect(calls[0]?.events.map(({ name }) => name)).toEqual(['exception'])
      expect(calls.map((call) => call.attributes['x_events.attempt'])).toEqual([1, 2, 3])
      expect(calls.map((call) => call.parentSpanContext?.spanId)).toEqual(Array(3).fill(request.spanId))
    })

    it('begins a trace of its own for an event that was raised outside of any', async () => {
      await using host = await open()
      const seen: (string | undefined)[] = []
      await host.engine.subscribe(
        { entityChanged: (event) => void seen.push(traceparentOf(event)) },
        { name: 'files', mode: 'broadcast' },
      )
      // Background work belongs to no request, not even to the one that starts it.
      await inRequest(() => host.engine.start())
      await raise(host)
      const [call] = await waitFor(() => {
        const spans = spansNamed('entityChanged File.Download')
        return spans.length === 1 && spans
      }, 'the span of the call')
      expect(call?.parentSpanContext).toBeUndefined()
      expect(seen).toEqual([undefined])
    })

    it('leaves background work out of the trace of the request that raised the event', async () => {
      const inTrace = new Map<string, boolean>()
      const verbOf = (sql: string) => sql.trimStart().split(' ', 1).join()
      await using database = await openWatchedDatabase(dialect, ({ sql }) => {
        const isActive = trace.getActiveSpan() !== undefined
        inTrace.set(verbOf(sql), isActive || inTrace.get(verbOf(sql)) === true)
      })
      await using engine = createEventEngine({ db: database.db })
      await engine.migrate()
      await engine.subscribe({ entityChanged() {} }, { name: 'files', mode: 'durable' })
      await engine.start()
      inTrace.clear()
      await inRequest(() => raise({ engine }))
      await waitFor(() => spansNamed('entityChanged File.Download').length === 1, 'the call')
      await waitFor(() => inTrace.has('update'), 'the position')
      const { insert, ...others } = Object.fromEntries(inTrace)
      expect(insert).toBe(true)
      expect(others).toMatchObject({ select: false, update: false })
      expect(Object.values(others)).not.toContain(true)
    })
  })

  it('hands on no trace where there is none, or what the column holds is no traceparent', async () => {
    await using host = await open()
    const seen: SyncEvent[] = []
    await host.engine.subscribe(
      { entityChanged: (event) => void seen.push(event) },
      { name: 'files', mode: 'durable', from: 'start' },
    )
    await raise(host, 1)
    await raise(host, 2)
    await sql`update xe_sync_event set trace = 'nonsense' where entity_id = '2'`.execute(host.db)
    await host.engine.start()
    await waitFor(() => seen.length === 2, 'the events')
    expect(seen.map(traceparentOf)).toEqual([undefined, undefined])
  })
})
