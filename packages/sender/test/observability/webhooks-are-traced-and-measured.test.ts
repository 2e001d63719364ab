import { AsyncLocalStorage } from 'node:async_hooks'
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { createSyncEvent } from '@x/events-core'
import { manualClock, type TestConsumer, testConsumer, waitFor } from '@x/testkit'
import { type RecordedTelemetry, recordTelemetry } from '@x/testkit/telemetry'
import { describe, expect, it as testOnce } from 'vitest'
import { createFanOutSpans } from '../../src/observability/tracing.ts'
import { it } from '../each-database.ts'
import { type HostOptions, type OpenHost, recordingLogger, site, startHost } from '../open-host.ts'
import { listedDeliveries } from '../what-was-received.ts'

const raise = (host: OpenHost, id = 1) => host.engine.syncManager.addSyncEvent(site, 'File', id, 'Download')

/** Runs something in a span of the host's, as a request would. */
const inRequest = <TResult>(work: () => Promise<TResult>) =>
  trace.getTracer('host').startActiveSpan('request', async (span) => {
    try {
      await work()
      return span.spanContext()
    } finally {
      span.end()
    }
  })

async function hostAndConsumer(options: HostOptions = {}) {
  const host = await startHost(options)
  const consumer = await testConsumer()
  const url = consumer.url.replace('/hook', '/secret-path?token=hush')
  const { endpoint } = await host.sender.endpoints.create({
    tenantId: 1,
    url,
    headers: { authorization: 'Bearer hush' },
  })
  return { host, consumer, endpoint }
}

const ended = (telemetry: RecordedTelemetry, name: string, count = 1) =>
  waitFor(() => {
    const spans = telemetry.spans().filter((span) => span.name === name)
    return spans.length >= count && spans
  }, `the span ${name}`)

const sentTraceparent = (consumer: TestConsumer, index = 0) =>
  consumer.requests[index]?.headers['traceparent']

describe('where an SDK is registered', () => {
  it('runs one trace from the request through the fan-out and the attempt to the consumer', async () => {
    await using telemetry = recordTelemetry()
    const { host, consumer, endpoint } = await hostAndConsumer()
    await using _host = host
    await using _consumer = consumer
    const request = await inRequest(() => raise(host))
    await consumer.received(1)
    const [attempt] = await ended(telemetry, 'webhook attempt')
    const [fanOut] = await ended(telemetry, 'webhook fan-out File.Download')

    expect(fanOut?.parentSpanContext).toMatchObject({ traceId: request.traceId, spanId: request.spanId })
    expect(fanOut).toMatchObject({ kind: SpanKind.PRODUCER, attributes: { 'x_webhooks.deliveries': 1 } })
    // The subscription's own span, which may be about many events.
    expect(fanOut?.links).toHaveLength(1)
    expect(attempt?.parentSpanContext).toMatchObject({
      traceId: request.traceId,
      spanId: fanOut?.spanContext().spanId,
    })
    const { port } = new URL(consumer.url)
    expect(attempt?.kind).toBe(SpanKind.CLIENT)
    expect(attempt?.attributes).toEqual({
      'http.request.method': 'POST',
      'url.scheme': 'http',
      'server.address': '127.0.0.1',
      'server.port': Number(port),
      'messaging.message.id': consumer.requests[0]?.headers['webhook-id'],
      'x_webhooks.endpoint_id': endpoint.id,
      'x_webhooks.tenant_id': 1,
      'x_webhooks.attempt': 1,
      'http.response.status_code': 204,
    })
    const { traceId, spanId } = attempt?.spanContext() ?? {}
    expect(sentTraceparent(consumer)).toBe(`00-${traceId}-${spanId}-01`)
  })

  it('keeps every retry in the trace, tells failures by their code, and tells no secret', async () => {
    await using telemetry = recordTelemetry()
    const clock = manualClock(Date.UTC(2026, 0, 1))
    const options = { engine: { clock }, retrySchedule: [0, 60], telemetry: { perEndpoint: true } }
    const { host, consumer, endpoint } = await hostAndConsumer(options)
    await using _host = host
    await using _consumer = consumer
    consumer.answer(500)
    const request = await inRequest(() => raise(host))
    await host.sender.drain()
    await clock.advance(70_000)
    await host.sender.drain()
    const attempts = await ended(telemetry, 'webhook attempt', 2)
    expect(attempts.map((span) => span.spanContext().traceId)).toEqual([request.traceId, request.traceId])
    expect(attempts.map((span) => span.attributes['x_webhooks.attempt'])).toEqual([1, 2])
    for (const span of attempts) {
      expect(span.status).toEqual({ code: SpanStatusCode.ERROR })
      expect(span.attributes).toMatchObject({ 'error.type': 'http_status', 'http.response.status_code': 500 })
    }
    expect(sentTraceparent(consumer, 0)).not.toBe(sentTraceparent(consumer, 1))
    const told = JSON.stringify(telemetry.spans().map(({ attributes, name }) => [name, attributes]))
    expect(told).not.toMatch(/hush|secret-path|whsec_/)

    const metrics = await telemetry.collect()
    const own = { 'error.type': 'http_status', 'x_webhooks.endpoint_id': endpoint.id }
    expect(metrics.get('x_webhooks.deliveries')).toEqual([
      { attributes: { 'x_webhooks.result': 'exhausted', ...own }, value: 1 },
    ])
    const status = { 'http.response.status_code': 500 }
    expect(metrics.get('x_webhooks.attempt.duration')).toEqual([
      { attributes: { 'x_webhooks.result': 'failed', ...own, ...status }, value: 1 },
      { attributes: { 'x_webhooks.result': 'exhausted', ...own, ...status }, value: 1 },
    ])
    expect(metrics.get('x_webhooks.exhausted')).toEqual([{ attributes: {}, value: 1 }])
  })

  it('counts without naming endpoints, and shows what waits and for how long', async () => {
    await using telemetry = recordTelemetry()
    const clock = manualClock(Date.UTC(2026, 0, 1))
    const logger = recordingLogger()
    const { host, consumer } = await hostAndConsumer({ engine: { clock, logger } })
    await using _consumer = consumer
    let letGo = () => {}
    consumer.answer((request) =>
      String(request.rawBody).includes('"entityId":2')
        ? new Promise((resolve) => (letGo = () => resolve(204)))
        : 200,
    )
    await raise(host, 1)
    await host.sender.drain()
    await raise(host, 2)
    await consumer.received(2)
    // What has no response is stored, and counts as waiting from then on.
    await listedDeliveries(host, 2)
    await clock.advance(5_000)
    const metrics = await telemetry.collect()
    letGo()

    expect(metrics.get('x_webhooks.deliveries')).toEqual([
      { attributes: { 'x_webhooks.result': 'succeeded' }, value: 1 },
    ])
    expect(metrics.get('x_webhooks.attempt.duration')).toEqual([
      { attributes: { 'x_webhooks.result': 'succeeded', 'http.response.status_code': 200 }, value: 1 },
    ])
    const shown = (name: string) => metrics.get(name)?.map(({ value }) => value)
    expect(shown('x_webhooks.queue.depth')).toEqual([1])
    expect(shown('x_webhooks.queue.oldest_due_age')).toEqual([5])
    expect(shown('x_webhooks.in_flight')).toEqual([1])
    await host.sender.drain()
    await host[Symbol.asyncDispose]()
    // Nobody asks a database that is closed.
    await telemetry.collect()
    expect(logger.messages).toEqual([])
  })

  it('counts what was a fault of our own apart, and as no end of a delivery', async () => {
    await using telemetry = recordTelemetry()
    const resolve = async () => {
      throw Object.assign(new Error('no server'), { code: 'EAI_AGAIN' })
    }
    await using host = await startHost({ network: { resolve } })
    await host.sender.endpoints.create({ tenantId: 1, url: 'http://consumer.example/' })
    await raise(host)
    const [attempt] = await ended(telemetry, 'webhook attempt')
    const metrics = await telemetry.collect()
    expect(metrics.get('x_webhooks.attempt.duration')).toEqual([
      { attributes: { 'x_webhooks.result': 'not_counted', 'error.type': 'dns_unavailable' }, value: 1 },
    ])
    expect(metrics.has('x_webhooks.deliveries')).toBe(false)
    expect(attempt?.attributes).toMatchObject({ 'error.type': 'dns_unavailable', 'x_webhooks.attempt': 1 })
  })

  it('joins a test to the trace of whoever has asked for it', async () => {
    await using telemetry = recordTelemetry()
    const { host, consumer, endpoint } = await hostAndConsumer()
    await using _host = host
    await using _consumer = consumer
    const request = await inRequest(() => host.sender.sendTest(endpoint.id))
    const [attempt] = await ended(telemetry, 'webhook attempt')
    expect(attempt?.spanContext().traceId).toBe(request.traceId)
  })

  it('works outside of the context of whoever sets it off', async () => {
    await using telemetry = recordTelemetry()
    const als = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    await using consumer = await testConsumer()
    const resolve = async () => {
      seen.push(als.getStore() ?? trace.getActiveSpan()?.spanContext().traceId)
      return ['127.0.0.1']
    }
    const network = { allow: ['127.0.0.0/8'], resolve }
    const host = await als.run('start', () => startHost({ network }))
    await using _host = host
    const { port } = new URL(consumer.url)
    const url = (name: string) => `http://${name}.example:${port}/`
    const create = (name: string) => host.sender.endpoints.create({ tenantId: 1, url: url(name) })
    await als.run('create', () => create('first'))
    const first = await als.run('request', () => inRequest(() => raise(host)))
    await consumer.received(1)
    const { endpoint } = await create('second')
    const second = await als.run('request', () => inRequest(() => host.sender.sendTest(endpoint.id)))
    await consumer.received(2)
    await ended(telemetry, 'webhook attempt', 2)
    // In the spans of the attempts, and in nothing else.
    expect(seen).toEqual([first.traceId, second.traceId])
  })

  it('sends no traceparent where that was turned off', async () => {
    await using telemetry = recordTelemetry()
    const { host, consumer } = await hostAndConsumer({ telemetry: { traceparent: false } })
    await using _host = host
    await using _consumer = consumer
    await inRequest(() => raise(host))
    await consumer.received(1)
    await ended(telemetry, 'webhook attempt')
    expect(sentTraceparent(consumer)).toBeUndefined()
  })
})

it('hands the trace of the raiser on where this process records none', async () => {
  await using consumer = await testConsumer()
  await using host = await startHost()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.sender.stop()
  const telemetry = recordTelemetry()
  const request = await inRequest(() => raise(host))
  await telemetry[Symbol.asyncDispose]()
  await host.sender.start()
  await consumer.received(1)
  expect(sentTraceparent(consumer)).toBe(`00-${request.traceId}-${request.spanId}-01`)

  await raise(host, 2)
  await consumer.received(2)
  expect(sentTraceparent(consumer, 1)).toBeUndefined()
})

testOnce('stores no trace for an event that was raised in none', () => {
  const spans = createFanOutSpans()
  const event = createSyncEvent({
    id: 'evt_01890a5d-ac96-774b-bcce-b302099a8057',
    tenantId: 1,
    siteId: 7,
    entityName: 'File',
    entityId: 1,
    action: 'Download',
    modifiedOn: new Date(),
  })
  expect(spans.begin(event, 'File.Download', 1)).toBeNull()
  spans.end()
})
