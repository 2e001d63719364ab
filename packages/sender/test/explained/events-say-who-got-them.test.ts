import { manualClock, testConsumer } from '@x/testkit'
import { expect } from 'vitest'
import type { EventDetails } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { type HostOptions, openHost, site, startHost } from '../open-host.ts'

const NEVER_MS = 2 ** 30
const BEGIN = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000

async function startTimelessHost(options: HostOptions = {}) {
  const clock = manualClock(BEGIN)
  const host = await startHost({ ...options, engine: { clock, pollMaxMs: NEVER_MS } })
  return { host, clock }
}

const outcomesOf = ({ endpoints }: EventDetails) =>
  Object.fromEntries(endpoints.map((one) => [one.description, one.delivery?.state ?? one.reason]))

it('tells of every endpoint of the tenant whether it got an event, and if not, why not', async () => {
  const { host, clock } = await startTimelessHost({ canReceive: (one) => one.description !== 'forbidden' })
  await using _host = host
  await using consumer = await testConsumer()
  const { endpoints, events } = host.sender
  const create = (description: string, fields: object = {}) =>
    endpoints.create({ tenantId: 1, url: consumer.url, description, ...fields })
  await create('wants it')
  await create('forbidden')
  await create('another type', { eventTypes: ['Page.*'] })
  await create('another site', { siteId: 8 })
  await create('filters it out', { filter: { 'data.entity.total': { $gt: 100 } } })
  const { endpoint: other } = await create('wanted something else', { eventTypes: ['Page.*'] })
  const { endpoint: disabled } = await create('disabled')
  const { endpoint: changed } = await create('was disabled')
  await endpoints.create({ tenantId: 2, url: consumer.url })
  await endpoints.disable(disabled.id)
  await endpoints.disable(changed.id)
  await clock.advance(1_000)
  const event = await host.engine.syncManager.addSyncEvent(site, 'File', 7, 'Create', {
    data: { total: 5 },
  })
  await host.sender.drain()
  await clock.advance(1_000)
  await endpoints.enable(changed.id)
  await endpoints.update(other.id, { eventTypes: ['*'] })
  await create('created later')
  const details = await events.get(event.id, { tenantId: 1 })
  expect(details).toMatchObject({
    id: event.id,
    eventType: 'File.Create',
    entityName: 'File',
    entityId: 7,
    siteId: 7,
    raisedOn: event.modifiedOn,
    isInLog: true,
    hasMoreEndpoints: false,
  })
  expect(outcomesOf(details)).toEqual({
    'wants it': 'succeeded',
    forbidden: 'cancelled',
    'another type': { code: 'event_type', eventTypes: ['Page.*'] },
    'another site': { code: 'site', siteId: 8 },
    'filters it out': { code: 'filter' },
    disabled: { code: 'disabled', since: new Date(BEGIN), reason: 'manual' },
    'was disabled': {
      code: 'disabled',
      since: new Date(BEGIN),
      until: new Date(BEGIN + 2_000),
      reason: 'manual',
    },
    'wanted something else': { code: 'changed', on: new Date(BEGIN + 2_000) },
    'created later': { code: 'created_later', createdOn: new Date(BEGIN + 2_000) },
  })
  const forbidden = details.endpoints.find(({ description }) => description === 'forbidden')
  expect(forbidden?.delivery?.reason).toEqual({ code: 'not_allowed' })
  expect(details.endpoints.find(({ description }) => description === 'was disabled')).toMatchObject({
    endpointId: changed.id,
    url: consumer.url,
    changedOn: new Date(BEGIN + 2_000),
  })
  for (const id of [event.id, 'evt_none', "'"]) {
    await expect(events.get(id, { tenantId: 2 })).rejects.toMatchObject({ code: 'event_not_found' })
  }
})

it('tells what keeps an event from all endpoints: it was not reached yet, or no message can be made of it', async () => {
  await using host = await openHost({ maxBodyBytes: 1_024 })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, description: 'wants it' })
  const raise = (data: string) => host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Update', { data })
  const [small, large] = [await raise('x'), await raise('x'.repeat(2_000))]
  const outcome = async (id: string) =>
    outcomesOf(await host.sender.events.get(id, { tenantId: 1 }))['wants it']
  expect(await outcome(small.id)).toEqual({ code: 'not_reached' })
  await host.start()
  await host.sender.drain()
  expect(await outcome(small.id)).toBe('succeeded')
  expect(await outcome(large.id)).toEqual({ code: 'parked', on: expect.any(Date) })
})

it('tells of tests, and of events that only messages are left of', async () => {
  const { host, clock } = await startTimelessHost({ engine: { retention: { keepMs: DAY_MS } } })
  await using _host = host
  await using consumer = await testConsumer()
  const { endpoints, events } = host.sender
  // Numbered messages are stored, so that the log need not keep their events.
  const { endpoint } = await endpoints.create({
    tenantId: 1,
    url: consumer.url,
    description: 'first',
    sequence: true,
  })
  await endpoints.create({ tenantId: 1, url: consumer.url, description: 'second', eventTypes: ['Page.*'] })
  const test = await host.sender.sendTest(endpoint.id)
  const event = await host.engine.syncManager.addSyncEvent(site, 'File', 'a', 'Update')
  await host.sender.drain()
  await clock.advance(1_000)
  await host.run('delete from xe_sync_event')
  expect(outcomesOf(await events.get(test.eventId, { tenantId: 1 }))).toEqual({
    first: 'succeeded',
    second: { code: 'test' },
  })
  const details = await events.get(event.id, { tenantId: 1 })
  expect(details).toMatchObject({
    isInLog: false,
    entityName: 'File',
    entityId: 'a',
    eventType: 'File.Update',
  })
  expect(outcomesOf(details)).toMatchObject({ first: 'succeeded', second: { code: 'event_type' } })
})

it('finds events by entity, type and time, page by page, of one tenant', async () => {
  const { host, clock } = await startTimelessHost()
  await using _host = host
  const { events } = host.sender
  const ids = new Map<string, string>()
  for (const [tenantId, entityName, entityId, action] of [
    [1, 'File', 1, 'Create'],
    [1, 'File', '1', 'Update'],
    [2, 'File', 1, 'Delete'],
    [-1, 'Site', 1, 'Update'],
    [1, 'Page', 2, 'Update'],
    [1, 'File', 2, 'Update'],
  ] as const) {
    const raised = await host.engine.syncManager.addSyncEvent(
      { tenantId, siteId: 7 },
      entityName,
      entityId,
      action,
    )
    ids.set(raised.id, `${entityName}.${action} ${JSON.stringify(entityId)}`)
    await clock.advance(600_000)
  }
  const find = async (query: object) => {
    const found = await events.find({ tenantId: 1, ...query })
    return found.items.map(({ id }) => ids.get(id))
  }
  expect(await find({})).toEqual([
    'File.Update 2',
    'Page.Update 2',
    'Site.Update 1',
    'File.Update "1"',
    'File.Create 1',
  ])
  expect(await find({ entityName: 'File', entityId: 1 })).toEqual(['File.Update "1"', 'File.Create 1'])
  expect(await find({ entityId: '2' })).toEqual(['File.Update 2', 'Page.Update 2'])
  expect(await find({ eventType: '*.Update', entityName: 'File' })).toEqual([
    'File.Update 2',
    'File.Update "1"',
  ])
  expect(await find({ eventType: 'Page.Update' })).toEqual(['Page.Update 2'])
  const since = new Date(BEGIN + 600_000)
  const until = new Date(BEGIN + 5 * 600_000)
  expect(await find({ since, until })).toEqual(['Page.Update 2', 'Site.Update 1', 'File.Update "1"'])

  const first = await events.find({ tenantId: 1, eventType: 'File.*', limit: 2 })
  expect(first.items.map(({ id }) => ids.get(id))).toEqual(['File.Update 2', 'File.Update "1"'])
  const second = await events.find({ tenantId: 1, eventType: 'File.*', limit: 2, before: first.next })
  expect(second.items.map(({ id }) => ids.get(id))).toEqual(['File.Create 1'])
  expect(Object.keys(second)).toEqual(['items'])
  for (const query of [{ before: 'x' }, { entityName: 1 }, { eventType: 'no type' }, { limit: 0 }]) {
    const refused = events.find({ tenantId: 1, ...(query as object) })
    await expect(refused, JSON.stringify(query)).rejects.toMatchObject({
      code: expect.stringMatching(/^invalid/),
    })
  }
})
