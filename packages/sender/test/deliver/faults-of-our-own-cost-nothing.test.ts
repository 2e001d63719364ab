import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { manualClock, testConsumer, waitFor } from '@x/testkit'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import { attemptErrorOf } from '../../src/http/errors.ts'
import { it } from '../each-database.ts'
import { type OpenHost, site, startHost } from '../open-host.ts'

let failWith: string | undefined
beforeEach(() => {
  failWith = undefined
  const real = dns.lookup
  vi.spyOn(dns, 'lookup').mockImplementation(((name: string, options: object, callback: LookupCallback) => {
    if (!name.endsWith('.test')) return real(name, options, callback as never)
    if (failWith === undefined) return callback(null, [{ address: '127.0.0.1', family: 4 }])
    callback(Object.assign(new Error(`lookup ${failWith}`), { code: failWith }), [])
  }) as typeof dns.lookup)
  // For whoever has imported it by its name.
  syncBuiltinESMExports()
})
afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})

type LookupCallback = (error: unknown, found?: object) => void

const raise = (host: OpenHost) => host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Download')

async function openFailing(code: string, prepare: (host: OpenHost) => Promise<void> = async () => {}) {
  const clock = manualClock(Date.UTC(2026, 0, 1))
  const host = await startHost({ engine: { clock, pollMaxMs: 2 ** 30 } })
  const consumer = await testConsumer()
  await prepare(host)
  const url = consumer.url.replace('127.0.0.1', 'consumer.test')
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url, eventTypes: ['File.*'] })
  failWith = code
  await raise(host)
  const delivery = await waitFor(async () => {
    const [one] = await host.sender.deliveries.list({ tenantId: 1, endpointId: endpoint.id })
    return one?.lastErrorCode !== undefined && host.sender.deliveries.get(one.id)
  }, 'an attempt')
  return { host, clock, consumer, endpoint, delivery }
}

it.each([
  ['EAI_AGAIN', 'dns_unavailable'],
  ['EMFILE', 'out_of_resources'],
  ['ENETUNREACH', 'network_unreachable'],
])('waits when it is cut off itself (%s), however long, and burns nothing', async (code, errorCode) => {
  const { host, clock, consumer, endpoint, delivery } = await openFailing(code)
  await using _host = host
  await using _consumer = consumer
  expect(delivery).toMatchObject({
    state: 'pending',
    attemptCount: 0,
    lastErrorCode: errorCode,
    attempts: [],
  })
  await clock.advance(2 * 3_600_000)
  await host.sender.drain()
  expect(await host.sender.deliveries.get(delivery.id)).toMatchObject({ state: 'pending', attemptCount: 0 })
  const { enabled, failingSince } = await host.sender.endpoints.get(endpoint.id)
  expect({ enabled, failingSince }).toEqual({ enabled: true, failingSince: undefined })
  failWith = undefined
  await clock.advance(70_000)
  await host.sender.drain()
  expect(await host.sender.deliveries.get(delivery.id)).toMatchObject({ state: 'succeeded', attemptCount: 1 })
})

it('attributes to the consumer a name server that fails while others are reached', async () => {
  await using other = await testConsumer()
  const { host, consumer, delivery } = await openFailing('EAI_AGAIN', async (opened) => {
    await opened.sender.endpoints.create({ tenantId: 1, url: other.url, eventTypes: ['Page.*'] })
    await opened.engine.syncManager.addSyncEvent(site, 'Page', 1, 'Create')
    await opened.sender.drain()
  })
  await using _host = host
  await using _consumer = consumer
  expect(delivery).toMatchObject({ attemptCount: 1, lastErrorCode: 'dns_unavailable' })
})

it('attributes to the consumer a name that does not exist', async () => {
  const { host, consumer, delivery, endpoint } = await openFailing('ENOTFOUND')
  await using _host = host
  await using _consumer = consumer
  expect(delivery).toMatchObject({ attemptCount: 1, lastErrorCode: 'dns_failure' })
  expect((await host.sender.endpoints.get(endpoint.id)).failingSince).toBeInstanceOf(Date)
})

it('goes by what tells most when several addresses have failed', () => {
  const failed = (code: string) => Object.assign(new Error(code), { code })
  const error = attemptErrorOf(new AggregateError([failed('ENETUNREACH'), failed('ECONNREFUSED')]))
  expect(error).toMatchObject({ code: 'connection_refused', attribution: 'endpoint' })
  expect(attemptErrorOf(new AggregateError([failed('ENETUNREACH')]))).toMatchObject({
    attribution: 'unclear',
  })
})
