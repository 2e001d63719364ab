import { ALL_SITES, ALL_TENANTS, EntityNames, formatSyncDate } from '@x/events-core'
import { manualClock, waitFor } from '@x/testkit'
import { describe, expect, it } from 'vitest'
import { createSseFeed } from '../../src/sse.ts'
import { type OpenEngine, onEachDatabase, openEngine } from '../open-engine.ts'
import { openStream, sseServer } from './sse-server.ts'

const raise = ({ engine }: OpenEngine, entityId: number, site = { tenantId: 1, siteId: 7 }, data?: object) =>
  engine.syncManager.addSyncEvent(site, EntityNames.Page, entityId, 'Update', {
    ...(data && { data: data as never }),
  })
const upTo = (count: number, from = 1) => Array.from({ length: count }, (_, index) => index + from)

onEachDatabase((open, dialect) => {
  it('tells what is committed, and goes on behind the last id after a cut, without a gap or a repeat', async () => {
    await using host = await open()
    await host.engine.start()
    await using server = await sseServer(host)
    const stream = await openStream(server.url)
    await stream.synced()
    const quiet = stream.lastId()
    await raise(host, 1)
    await waitFor(() => stream.entityIds().length === 1, 'the first event')
    const id = stream.lastId()
    await stream[Symbol.asyncDispose]()
    for (const entityId of upTo(30, 2)) await raise(host, entityId)

    await using again = await openStream(server.url, { 'last-event-id': id ?? '' })
    await using whole = await openStream(`${server.url}?lastEventId=${encodeURIComponent(quiet ?? '')}`)
    await again.synced()
    await whole.synced()
    await raise(host, 32)
    await waitFor(() => again.entityIds().includes(32) && whole.entityIds().includes(32), 'the last event')
    expect(again.entityIds()).toEqual(upTo(31, 2))
    expect(whole.entityIds()).toEqual(upTo(32))
  })

  it('begins at the date that a client has loaded its state at', async () => {
    await using host = await open()
    await host.engine.start()
    await using server = await sseServer(host)
    const since = formatSyncDate(new Date())
    await raise(host, 1)
    await using stream = await openStream(`${server.url}?since=${since}`)
    await stream.synced()
    expect(stream.entityIds()).toEqual([1])
  })

  it('says reload to a client that was further away than it can be told of', async () => {
    await using host = await open()
    await host.engine.start()
    await using server = await sseServer(host, { maxEventsBehind: 3 })
    await using first = await openStream(server.url)
    await first.synced()
    const behind = first.lastId() ?? ''
    for (const entityId of upTo(4)) await raise(host, entityId)
    const ofTheOther = dialect === 'sqlite' ? 'p/3:3://0' : 's.3'
    const ahead = dialect === 'sqlite' ? 's.99999' : 'p/9:99999999:9//0'
    for (const id of [behind, ofTheOther, ahead, 'yesterday']) {
      await using stream = await openStream(server.url, { 'last-event-id': id })
      await stream.synced()
      const messages = stream.frames().filter(({ event, data }) => event === 'message' && data !== '')
      expect(messages.map(({ data }) => JSON.parse(data))).toMatchObject([
        { entityName: 'Host', action: 'Reload', tenantId: 1, siteId: ALL_SITES, id: /^evt_/ },
      ])
      await raise(host, 9)
      await waitFor(() => stream.entityIds().at(-1) === 9, 'what comes next')
      expect(stream.entityIds()).toEqual([-1, 9])
    }
  })
})

describe('a stream', () => {
  it('shows a tenant and a site what concerns them, and nothing else', async () => {
    await using host = await openEngine()
    await host.engine.start()
    await using server = await sseServer(host, {}, ({ url }) => ({
      tenantId: 1,
      ...(url?.endsWith('site') ? { siteId: 7, filter: 'Page.*' } : {}),
    }))
    await using tenant = await openStream(`${server.url}?tenant`)
    await using site = await openStream(`${server.url}?site`)
    await Promise.all([tenant.synced(), site.synced()])
    await raise(host, 1)
    await raise(host, 2, { tenantId: 1, siteId: 8 })
    await raise(host, 3, { tenantId: 1, siteId: ALL_SITES })
    await raise(host, 4, { tenantId: 2, siteId: 7 })
    await host.engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 7 }, 'File', 5, 'Update')
    await raise(host, 6, { tenantId: ALL_TENANTS, siteId: ALL_SITES })
    await waitFor(() => tenant.entityIds().includes(6) && site.entityIds().includes(6), 'the last event')
    expect(tenant.entityIds()).toEqual([1, 2, 3, 5, 6])
    expect(site.entityIds()).toEqual([1, 3, 6])
  })

  it('is neither compressed nor kept nor gathered on its way, and says how soon to come again', async () => {
    await using host = await openEngine()
    await host.engine.start()
    await using server = await sseServer(host, { retryMs: 1_234 })
    await using stream = await openStream(server.url, { 'accept-encoding': 'gzip' })
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    })
    expect(stream.headers['content-encoding']).toBeUndefined()
    await stream.synced()
    expect(stream.text()).toMatch(/^retry: 1234\n\n/)
  })

  it('gives signs of life, with a position that moves on although nothing concerns the client', async () => {
    const clock = manualClock()
    await using host = await openEngine({ pollMaxMs: 50 })
    await host.engine.start()
    await using server = await sseServer(host, { clock, heartbeatMs: 1_000 }, () => ({ tenantId: 3 }))
    await using stream = await openStream(server.url)
    await stream.synced()
    const before = stream.lastId()
    await using watcher = await openStream(server.url)
    await watcher.synced()
    await raise(host, 1)
    await waitFor(async () => {
      await clock.advance(1_000)
      return stream.lastId() !== before
    }, 'a sign of life behind the event')
    expect(stream.entityIds()).toEqual([])
    expect(stream.frames().at(-1)).toMatchObject({ event: 'synced', id: expect.stringMatching(/^s\.1@/) })
  })

  it('answers a Request as well', async () => {
    await using host = await openEngine()
    await host.engine.start()
    await using sse = createSseFeed({ engine: host.engine, limits: { perUser: 1 } })
    const request = new Request('http://host/stream')
    const answer = sse.respond(request, { tenantId: 1, user: 'ada' })
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const refused = sse.respond(request, { tenantId: 1, user: 'ada' })
    expect(refused.status).toBe(429)
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('synced')) text += (await reader?.read())?.value
    await raise(host, 1)
    while (!text.includes('"entityId":1')) text += (await reader?.read())?.value
    await reader?.cancel()
    await waitFor(() => sse.stats().open === 0, 'the stream to be closed')
    const next = sse.respond(request, { tenantId: 1, user: 'ada' })
    expect(next.status).toBe(200)
    await sse.close()
    expect(await next.text()).toMatch(/^retry: /)
  })
})
