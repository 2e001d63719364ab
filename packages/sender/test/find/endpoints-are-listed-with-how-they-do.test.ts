import { testConsumer } from '@x/testkit'
import { expect } from 'vitest'
import type { ListEndpoints } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { openHost, site, startHost } from '../open-host.ts'

it('finds endpoints by text and health, those that fail first, page by page', async () => {
  await using host = await startHost({ retrySchedule: [0] })
  await using good = await testConsumer()
  await using bad = await testConsumer()
  await using gone = await testConsumer()
  const { endpoints, drain } = host.sender
  const create = async (description: string, url: string, tenantId = 1) =>
    (await endpoints.create({ tenantId, url, description })).endpoint.id
  const first = await create('Invoices of 100%', `${bad.url}/first`)
  const second = await create('Orders', `${good.url}/second`)
  const third = await create('Paused', `${good.url}/third`)
  const fourth = await create('Gone', gone.url)
  await create('Orders', good.url, 2)
  bad.answer(500)
  gone.answer(410)
  await host.engine.syncManager.addSyncEvent(site, 'File', 1, 'Update')
  await drain()
  await endpoints.disable(third)

  const names = new Map([first, second, third, fourth].map((id, index) => [id, index + 1]))
  const list = async (query: Partial<ListEndpoints>) =>
    (await endpoints.list({ tenantId: 1, ...query })).map(({ id }) => names.get(id))
  expect(await list({})).toEqual([4, 3, 2, 1])
  expect(await list({ sort: 'failing' })).toEqual([1, 4, 3, 2])
  expect(await list({ sort: 'failing', limit: 2 })).toEqual([1, 4])
  expect(await list({ sort: 'failing', before: fourth })).toEqual([3, 2])
  expect(await list({ sort: 'failing', before: first, limit: 1 })).toEqual([4])
  expect(await list({ before: third })).toEqual([2, 1])
  expect(await list({ search: 'ORDERS' })).toEqual([2])
  expect(await list({ search: '/third' })).toEqual([3])
  expect(await list({ search: '100%' })).toEqual([1])
  expect(await list({ search: '%' })).toEqual([1])
  expect(await list({ health: 'disabled' })).toEqual([4, 3])
  expect(await list({ health: 'disabled', before: fourth })).toEqual([3])
  expect(await list({ health: 'healthy' })).toEqual([2])
  expect([...(await list({ health: 'failing' })), ...(await list({ health: 'paused' }))]).toEqual([1])
  for (const [field, value] of Object.entries({ health: 'ill', sort: 'name', search: '' })) {
    const refused = endpoints.list({ tenantId: 1, [field]: value })
    await expect(refused).rejects.toMatchObject({ code: 'invalid_argument', field })
  }

  const ids = [first, second, third, fourth]
  const summaries = await endpoints.summaries(ids, { tenantId: 1 })
  const counts = ids.map((id) => {
    const { health, lastDay } = summaries.get(id) ?? {}
    return [health?.state, lastDay?.succeeded, lastDay?.failed]
  })
  expect(counts[0]?.slice(1)).toEqual([0, 1])
  expect(counts.slice(1)).toEqual([
    ['healthy', 1, 0],
    ['disabled', 1, 0],
    ['disabled', 0, 1],
  ])
  const { lastDay, health } = summaries.get(first) ?? {}
  expect(health?.failures).toMatchObject([{ errorCode: 'http_status', status: 500 }])
  expect(lastDay?.hours).toHaveLength(24)
  expect(lastDay?.hours.at(-1)).toEqual({ from: expect.any(Date), succeeded: 0, failed: 1 })
  expect((await endpoints.summaries(ids, { tenantId: 2 })).size).toBe(0)
  expect((await endpoints.summaries(['ep_x', 'a\0'])).size).toBe(0)
})

it('goes through all endpoints for those that are rare', async () => {
  await using host = await openHost()
  const ids: string[] = []
  for (let count = 0; count < 260; count++) {
    ids.push((await host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com' })).endpoint.id)
  }
  await host.sender.endpoints.disable(ids[0] ?? '')
  const found = await host.sender.endpoints.list({ tenantId: 1, health: 'disabled', limit: 1 })
  expect(found.map(({ id }) => id)).toEqual(ids.slice(0, 1))
})
