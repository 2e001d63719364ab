import { ALL_TENANTS } from '@x/events-core'
import { expect, vi } from 'vitest'
import { it } from '../each-database.ts'
import { type OpenHost, openHost, site } from '../open-host.ts'

const raise = (host: OpenHost, entityName: string, id: number, of: object = {}) =>
  host.engine.syncManager.addSyncEvent({ ...site, ...of }, entityName as never, id, 'Update', {
    data: { total: id } as never,
  })
const filter = { 'data.entity.total': { $gt: 2 } }

it('tells which of the last events a filter would let through, the newest first', async () => {
  await using host = await openHost()
  const first = await raise(host, 'File', 1)
  await raise(host, 'File', 2, { tenantId: 2 })
  const third = await raise(host, 'File', 3, { tenantId: ALL_TENANTS })
  await raise(host, 'File', 4, { siteId: 8 })
  await raise(host, 'Page', 5)
  const { testFilter } = host.sender.endpoints
  const tested = await testFilter({ tenantId: 1, filter, eventTypes: ['File.*'], siteId: 7 })
  expect(tested).toEqual([
    {
      id: third.id,
      eventType: 'File.Update',
      modifiedOn: third.modifiedOn,
      entityName: 'File',
      entityId: 3,
      matches: true,
      message: expect.objectContaining({
        type: 'File.Update',
        data: expect.objectContaining({ entity: { total: 3 } }),
      }),
    },
    expect.objectContaining({ id: first.id, matches: false }),
  ])
  const ids = async (query: object) =>
    (await testFilter({ tenantId: 1, filter, ...query })).map(({ entityId, matches }) => [entityId, matches])
  expect(await ids({})).toEqual([
    [5, true],
    [4, true],
    [3, true],
    [1, false],
  ])
  expect(await ids({ limit: 2 })).toEqual([
    [5, true],
    [4, true],
  ])
  expect(await ids({ tenantId: 3 })).toEqual([[3, true]])
  expect(await host.run('select * from xe_webhook_endpoint')).toEqual([])
})

it('finds the events of a tenant among thousands of others', async () => {
  await using host = await openHost()
  for (let id = 1; id <= 120; id++) await raise(host, 'File', id, { siteId: id % 2 ? 7 : 8 })
  const others = Array.from({ length: 5_000 }, (_, index) => raise(host, 'Page', index, { tenantId: 2 }))
  await Promise.all(others)
  await raise(host, 'File', 121)
  const tested = await host.sender.endpoints.testFilter({ tenantId: 1, filter })
  expect(tested.map(({ entityId }) => entityId)).toEqual(
    Array.from({ length: 100 }, (_, index) => 121 - index),
  )
  const ofSite = await host.sender.endpoints.testFilter({ tenantId: 1, filter, siteId: 8 })
  expect(ofSite.map(({ entityId }) => entityId)).toEqual(
    Array.from({ length: 60 }, (_, index) => 120 - index * 2),
  )
})

it('tries it on what would be rendered, and says where no message can be made', async () => {
  await using host = await openHost({
    payloadVersions: ['1', '2'],
    render: (event, { payloadVersion }) => {
      if (event.entityId === 2) throw new Error('the database says: no such table')
      return { sum: `${payloadVersion}:${event.entityId}` }
    },
  })
  for (let id = 1; id <= 3; id++) await raise(host, 'File', id)
  const test = (payloadVersion?: string) =>
    host.sender.endpoints.testFilter({
      tenantId: 1,
      filter: { 'data.entity.sum': { $in: ['2:1', '1:3'] }, 'data.entity.total': { $exists: false } },
      payloadVersion,
    })
  const shown = (tested: Awaited<ReturnType<typeof test>>) =>
    tested.map(({ entityId, matches, failure }) => [entityId, matches, failure])
  expect(shown(await test())).toEqual([
    [3, false, undefined],
    [2, false, 'no_message'],
    [1, true, undefined],
  ])
  expect(shown(await test('1'))[0]).toEqual([3, true, undefined])
  expect(JSON.stringify(await test())).not.toContain('no such table')
})

it('says where a filter takes too many steps', async () => {
  await using host = await openHost()
  const items = Array.from({ length: 12_000 }, () => ({ n: 0 }))
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Update', { data: { items } as never })
  const tested = await host.sender.endpoints.testFilter({ tenantId: 1, filter: { 'data.entity.items.n': 1 } })
  expect(tested).toMatchObject([{ matches: false, failure: 'too_costly' }])
})

it('refuses what saving would refuse', async () => {
  await using host = await openHost()
  const { endpoints, eventTypes } = host.sender
  eventTypes.define({
    type: 'File.Update',
    description: 'x',
    schema: { properties: { total: { type: 'number' } } },
  })
  const test = (query: object) => endpoints.testFilter({ tenantId: 1, filter, ...query })
  await expect(test({ filter: { 'data.entity.totl': 1 } })).rejects.toMatchObject({
    code: 'invalid_filter',
    field: 'filter.data.entity.totl',
  })
  await expect(test({ filter: undefined })).rejects.toMatchObject({ code: 'invalid_filter' })
  await expect(test({ tenantId: -1 })).rejects.toMatchObject({ field: 'tenantId' })
  await expect(test({ eventTypes: ['Fil.*'] })).rejects.toMatchObject({ field: 'eventTypes' })
  await expect(test({ siteId: 'x' })).rejects.toMatchObject({ field: 'siteId' })
  await expect(test({ payloadVersion: 'x' })).rejects.toMatchObject({ field: 'payloadVersion' })
  await expect(test({ limit: 101 })).rejects.toMatchObject({ code: 'invalid_argument', field: 'limit' })
})

it('tries as many large events as have some megabytes of data, and lets others have their turn between them', async () => {
  await using host = await openHost()
  const text = 'x'.repeat(200_000)
  for (let id = 1; id <= 60; id++) {
    await host.engine.syncManager.addSyncEvent(site, 'File', id, 'Update', { data: { text } as never })
  }
  let turns = 0
  const count = () => {
    turns += 1
    next = setImmediate(count)
  }
  let next = setImmediate(count)
  // However quick the machine is, a turn is long at each look at the time.
  const { now } = performance
  let aheadMs = 0
  vi.spyOn(performance, 'now').mockImplementation(() => {
    aheadMs += 11
    return now.call(performance) + aheadMs
  })
  const tested = await host.sender.endpoints
    .testFilter({ tenantId: 1, filter: { 'data.entity.text': { $exists: false } } })
    .finally(() => clearImmediate(next))
  // The newest of 12 MB.
  expect(tested.map(({ entityId }) => entityId)).toEqual(tested.map((_, index) => 60 - index))
  expect(tested.length * text.length).toBeGreaterThan(4_000_000)
  expect(tested.length * text.length).toBeLessThan(6_000_000)
  // Some while they are read, and one after the trial of each.
  expect(turns).toBeGreaterThan(tested.length)
})
