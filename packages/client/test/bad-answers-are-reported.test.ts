import type { Logger } from '@x/events-core'
import { testConsumer } from '@x/testkit'
import { expect, it } from 'vitest'
import { createSyncClient, SyncClientError } from '../src/index.ts'
import { eventJson, syncServer } from './sync-server.ts'

const syncDate = '2026-11-24T08:00:00.000Z'
const withEvent = (fields: object) =>
  JSON.stringify({ syncDate, syncEvents: [{ ...eventJson(), ...fields }] })

it.each([
  ['<!doctype html><title>Log in</title>', 'is not JSON but "<!doctype html>'],
  ['', 'is not JSON but ""'],
  ['null', 'has null as response, not an object'],
  ['[]', 'has [] as response, not an object'],
  ['{}', 'has nothing as syncEvents'],
  [JSON.stringify({ syncDate: 'today', syncEvents: [] }), 'has "today" as syncDate'],
  [JSON.stringify({ syncDate: '2026-11-24T08:00:00', syncEvents: [] }), 'not an ISO 8601 date with its zone'],
  [
    JSON.stringify({ syncDate: '2026-13-24T08:00:00Z', syncEvents: [] }),
    'has "2026-13-24T08:00:00Z" as syncDate',
  ],
  [JSON.stringify({ syncDate, syncEvents: [1] }), 'has 1 as syncEvents[0]'],
  [withEvent({ id: '' }), 'as syncEvents[0].id'],
  [withEvent({ tenantId: '1' }), 'has "1" as syncEvents[0].tenantId'],
  [withEvent({ siteId: 1.5 }), 'has 1.5 as syncEvents[0].siteId'],
  [withEvent({ entityId: null }), 'has null as syncEvents[0].entityId'],
  [withEvent({ action: undefined }), 'has nothing as syncEvents[0].action'],
  [withEvent({ modifiedOn: 0 }), 'has 0 as syncEvents[0].modifiedOn'],
])('says what is wrong with %j', async (body, what) => {
  await using server = await testConsumer()
  server.answer(() => ({ status: 200, body }))
  const client = createSyncClient({ transport: 'polling', url: server.url, lastSyncDate: new Date(syncDate) })
  const errors: SyncClientError[] = []
  client.on('error', (error) => errors.push(error))
  const told: unknown[] = []
  client.on('entityChanged', (event) => told.push(event))
  expect(await client.poll()).toBe(false)
  expect(told).toEqual([])
  expect(errors).toHaveLength(1)
  expect(errors[0]).toBeInstanceOf(SyncClientError)
  expect(errors[0]).toMatchObject({ code: 'invalid_response', message: expect.stringContaining(what) })
})

it('keeps its date over a bad answer, so that nothing is missed', async () => {
  await using server = await syncServer()
  const client = createSyncClient({ transport: 'polling', url: server.url, lastSyncDate: new Date(syncDate) })
  server.misbehave(() => ({ status: 200, body: 'oops' }))
  await client.poll()
  server.misbehave()
  await client.poll()
  expect(server.dates()).toEqual(['20261124080000000', '20261124080000000'])
})

it('reports a server that is not there, with the cause, to listeners and logger', async () => {
  const server = await testConsumer()
  const { url } = server
  await server[Symbol.asyncDispose]()
  const lines: string[] = []
  const line = (level: string) => (details: object, message: string) =>
    lines.push(`${level} ${message} ${'code' in details ? details.code : ''}`)
  const logger: Logger = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
  }
  const client = createSyncClient({ transport: 'polling', url, logger })
  const errors: SyncClientError[] = []
  client.on('error', (error) => errors.push(error))
  expect(await client.poll()).toBe(false)
  expect(errors).toMatchObject([{ code: 'request_failed', cause: expect.any(TypeError) }])
  expect(lines).toEqual(['warn the sync feed could not be read request_failed'])
})

it('rejects nothing and throws nothing when nobody listens to errors', async () => {
  await using server = await syncServer()
  server.misbehave(() => 401)
  const client = createSyncClient({ transport: 'polling', url: server.url })
  await expect(client.poll()).resolves.toBe(false)
})

it('tells the status that was answered, and the remedy where there is one', async () => {
  await using server = await syncServer()
  server.misbehave(() => ({ status: 401, body: 'x'.repeat(100_000) }))
  const client = createSyncClient({ transport: 'polling', url: server.url })
  const errors: SyncClientError[] = []
  client.on('error', (error) => errors.push(error))
  await client.poll()
  expect(errors).toMatchObject([
    { code: 'http_status', httpStatus: 401, message: expect.stringContaining('headers option') },
  ])
})
