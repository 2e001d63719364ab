import type { Socket } from 'node:net'
import { EntityNames } from '@x/events-core'
import { manualClock, waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import type { EventEngine } from '../../src/index.ts'
import { createSseFeed } from '../../src/sse.ts'
import { type OpenEngine, openEngine, recordingLogger } from '../open-engine.ts'
import { openStream, type RawStream, sseServer } from './sse-server.ts'

const raise = ({ engine }: OpenEngine, entityId: number, data?: object) =>
  engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, EntityNames.Page, entityId, 'Update', {
    ...(data && { data: data as never }),
  })

it('refuses more streams of a user, an address, a tenant, or in all, and says when to come again', async () => {
  await using host = await openEngine()
  await host.engine.start()
  const limits = { perUser: 1, perAddress: 2, perTenant: 3, total: 4 }
  await using server = await sseServer(host, { limits }, ({ headers }) => ({
    tenantId: Number(headers['x-tenant'] ?? 1),
    user: headers['x-user']?.toString(),
    address: headers['x-address']?.toString(),
  }))
  const open = (tenant: number, user: string, address: string) =>
    openStream(server.url, { 'x-tenant': String(tenant), 'x-user': user, 'x-address': address })
  const accepted: RawStream[] = []
  const accept = async (stream: Promise<RawStream>) => {
    accepted.push(await stream)
    expect(accepted.at(-1)?.status).toBe(200)
  }
  const refuse = async (opening: Promise<RawStream>, status: number, why: string) => {
    const stream = await opening
    await stream.ended
    expect(stream.status).toBe(status)
    expect(stream.headers['content-type']).toBe('application/problem+json')
    expect(Number(stream.headers['retry-after'])).toBeGreaterThan(0)
    expect(JSON.parse(stream.text())).toMatchObject({ status, detail: expect.stringContaining(why) })
  }
  await accept(open(1, 'ada', 'a'))
  await refuse(open(1, 'ada', 'b'), 429, 'user')
  await accept(open(2, 'ada', 'a'))
  await refuse(open(1, 'bob', 'a'), 429, 'address')
  await accept(open(1, 'bob', 'b'))
  await accept(open(1, 'eve', 'b'))
  await refuse(open(3, 'joe', 'c'), 503, 'host')
  await accepted[1]?.[Symbol.asyncDispose]()
  await waitFor(() => server.sse.stats().open === 3, 'the place to be free')
  await refuse(open(1, 'joe', 'c'), 429, 'tenant')
  await accept(open(3, 'joe', 'c'))
  expect(server.sse.stats()).toEqual({ open: 4, opened: 5, refused: 4, stalled: 0 })
  for (const stream of accepted) await stream[Symbol.asyncDispose]()
})

it('keeps little for a client that does not read, and tells it everything once it does', async () => {
  await using host = await openEngine()
  await host.engine.start()
  const sockets: Socket[] = []
  await using server = await sseServer(host, {}, ({ socket }) => {
    sockets.push(socket)
    return { tenantId: 1 }
  })
  await using slow = await openStream(server.url)
  await slow.synced()
  slow.incoming.pause()
  // More than the buffers of sockets hold: the rest stays in the log.
  const data = { text: 'x'.repeat(100_000) }
  for (let id = 1; id <= 150; id += 1) await raise(host, id, data)
  await using quick = await openStream(server.url)
  await quick.synced()
  expect(sockets[0]?.writableLength).toBeGreaterThan(0)
  expect(sockets[0]?.writableLength).toBeLessThan(500_000)
  slow.incoming.resume()
  await waitFor(() => slow.text().length > 15_000_000, 'the slow client to have everything')
  expect(slow.entityIds()).toEqual(Array.from({ length: 150 }, (_, index) => index + 1))
})

it('cuts off a client that takes nothing any more, which can resume', async () => {
  const clock = manualClock()
  await using host = await openEngine()
  await host.engine.start()
  await using server = await sseServer(host, { clock, heartbeatMs: 1_000, stalledMs: 5_000 })
  await using stuck = await openStream(server.url)
  await stuck.synced()
  stuck.incoming.pause()
  const data = { text: 'x'.repeat(200_000) }
  await waitFor(async () => {
    await raise(host, 1, data)
    await clock.advance(2_000)
    return server.sse.stats().stalled === 1
  }, 'the client to be cut off')
  expect(server.sse.stats().open).toBe(0)
})

it('ends a stream after a while, so that its client is authorized anew', async () => {
  const clock = manualClock()
  await using host = await openEngine()
  await host.engine.start()
  await using server = await sseServer(host, { clock, heartbeatMs: 1_000, maxAgeMs: 60_000 })
  await using stream = await openStream(server.url)
  await stream.synced()
  await clock.advance(53_000)
  expect(server.sse.stats().open).toBe(1)
  await clock.advance(15_000)
  await stream.ended
  expect(stream.incoming.complete).toBe(true)
})

it('ends all streams in good order when it is closed, and when the engine stops', async () => {
  await using host = await openEngine()
  await host.engine.start()
  await using server = await sseServer(host)
  await using one = await openStream(server.url)
  await one.synced()
  await host.engine.stop()
  await one.ended
  expect(one.incoming.complete).toBe(true)

  await host.engine.start()
  await using two = await openStream(server.url)
  await two.synced()
  await server.sse.close()
  await two.ended
  expect(two.incoming.complete).toBe(true)
  await using late = await openStream(server.url)
  expect(late.status).toBe(503)
  expect(late.headers['retry-after']).toBe('1')
})

it('ends the stream when the log cannot be read, and says so in the log', async () => {
  const logger = recordingLogger()
  await using host = await openEngine()
  await host.engine.start()
  await using server = await sseServer(host, { logger })
  await host.engine.stop()
  await host.db.destroy()
  await using stream = await openStream(server.url)
  await stream.ended
  expect(stream.incoming.complete).toBe(true)
  expect(logger.messages).toEqual(['A stream of events ended early'])
})

it('refuses options, an engine and an audience that it cannot work with', async () => {
  await using host = await openEngine()
  const { engine } = host
  expect(() => createSseFeed({ engine, heartbeatMs: 0 })).toThrow('options.heartbeatMs')
  expect(() => createSseFeed({ engine, limits: { perUser: 0.5 } })).toThrow('options.limits.perUser')
  const { clock, logger } = engine
  expect(() => createSseFeed({ engine: { clock, logger } as EventEngine })).toThrow('was not created by')
  await using sse = createSseFeed({ engine })
  const request = new Request('http://host/')
  expect(() => sse.respond(request, { tenantId: Number.NaN })).toThrow('tenantId')
  expect(() => sse.respond(request, { tenantId: 1, siteId: 0.5 })).toThrow('siteId')
  expect(() => sse.respond(request, { tenantId: 1, filter: 'Pa*' })).toThrow('event types or patterns')
  expect(sse.stats().open).toBe(0)
})
