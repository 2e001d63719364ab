import { expect, it } from 'vitest'
import { createPortal, type PortalUser } from '../../src/index.ts'
import { openSender } from '../open-sender.ts'

interface Answer {
  readonly endpoint: { readonly id: string; readonly filter?: object }
}

async function openPortal(user: PortalUser = { tenantId: 1, role: 'manager' }) {
  const opened = await openSender()
  const portal = createPortal({ sender: opened.sender, authorize: () => user })
  async function call(method: string, path: string, body: object) {
    const headers = { 'content-type': 'application/json' }
    const response = await portal.handle(
      new Request(`http://host/api${path}`, { method, headers, body: JSON.stringify(body) }),
    )
    return { status: response.status, body: (await response.json()) as Answer }
  }
  const raise = (tenantId: number, total: number) =>
    opened.engine.syncManager.addSyncEvent({ tenantId, siteId: 7 }, 'File', total, 'Update', {
      data: { total },
    })
  return { ...opened, call, raise }
}

const filter = { 'data.entity.total': { $gt: 2 } }

it("tells which of the tenant's last events a filter lets through, without what they carry", async () => {
  await using portal = await openPortal()
  for (const total of [1, 2, 3]) await portal.raise(1, total)
  await portal.raise(2, 4)
  const { status, body } = await portal.call('POST', '/endpoints/test-filter', {
    filter,
    eventTypes: ['File.*'],
    siteId: 7,
  })
  expect(status).toBe(200)
  expect(body).toEqual({
    items: [3, 2, 1].map((total) => ({
      id: expect.stringMatching(/^evt_/),
      eventType: 'File.Update',
      modifiedOn: expect.any(String),
      entityName: 'File',
      entityId: total,
      matches: total > 2,
    })),
  })
})

it('saves, shows, changes and removes a filter, and tells what is wrong with one, and where', async () => {
  await using portal = await openPortal()
  const { status, body } = await portal.call('POST', '/endpoints', {
    url: 'http://127.0.0.1:9999/a',
    eventTypes: ['*'],
    filter,
  })
  expect(status).toBe(201)
  expect(body.endpoint.filter).toEqual(filter)
  const path = `/endpoints/${body.endpoint.id}`
  const problem = {
    status: 400,
    body: {
      code: 'invalid_filter',
      field: 'filter.total',
      detail: expect.stringContaining('is data.entity.total meant?'),
      suggestions: ['data.entity.total'],
    },
  }
  const wrong = { filter: { total: 1 } }
  expect(await portal.call('PATCH', path, wrong)).toMatchObject(problem)
  expect(await portal.call('POST', '/endpoints/test-filter', wrong)).toMatchObject(problem)
  expect(await portal.call('POST', '/endpoints/test-filter', {})).toMatchObject({
    status: 400,
    body: { code: 'invalid_filter', field: 'filter' },
  })
  expect((await portal.call('PATCH', path, { filter: null })).body).not.toHaveProperty('filter')
})

it('is for managers: it makes the host render', async () => {
  await using portal = await openPortal({ tenantId: 1, role: 'viewer' })
  expect(await portal.call('POST', '/endpoints/test-filter', { filter })).toMatchObject({ status: 403 })
})
