import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { openHost } from '../open-host.ts'

const create = { tenantId: 2, url: 'http://127.0.0.1:9999/hook' }

it('refuses a scope whose tenant is missing or misspelt, instead of taking it for all', async () => {
  await using host = await openHost()
  const { endpoints, deliveries, jobs } = host.sender
  const { endpoint } = await endpoints.create(create)
  for (const scope of [{ tenantId: undefined }, { tenantID: 1 }, { tenant: 1 }, 1, '1', [1], null]) {
    const refused = { code: 'invalid_argument' }
    await expect(endpoints.get(endpoint.id, scope as never), `${scope}`).rejects.toMatchObject(refused)
    await expect(endpoints.secrets(endpoint.id, scope as never)).rejects.toMatchObject(refused)
    await expect(endpoints.summaries([endpoint.id], scope as never)).rejects.toMatchObject(refused)
    await expect(deliveries.get('dlv_1_1', scope as never)).rejects.toMatchObject(refused)
    await expect(jobs.get('job_1', scope as never)).rejects.toMatchObject(refused)
  }
  await expect(endpoints.get(endpoint.id, { tenantId: 1 })).rejects.toMatchObject({
    code: 'endpoint_not_found',
  })
  expect((await endpoints.get(endpoint.id, { tenantId: 2 })).id).toBe(endpoint.id)
  expect((await endpoints.get(endpoint.id)).id).toBe(endpoint.id)
})

it('cancels and counts nothing by a filter of which a name is misspelt', async () => {
  await using host = await openHost()
  const filter = { tenantId: 1, endpointID: 'ep_1' } as never
  const refused = { code: 'invalid_argument', field: 'endpointID' }
  await expect(host.sender.deliveries.cancelMany(filter)).rejects.toMatchObject(refused)
  await expect(host.sender.deliveries.resendMany(filter)).rejects.toMatchObject(refused)
  await expect(host.sender.deliveries.count(filter)).rejects.toMatchObject(refused)
  await expect(host.sender.deliveries.list(filter)).rejects.toMatchObject(refused)
})

it('takes no object for empty because it has its content elsewhere', async () => {
  await using host = await openHost()
  for (const [field, value] of Object.entries({
    headers: new Headers({ authorization: 'Bearer 1' }),
    metadata: new Map([['a', 'b']]),
    filter: new Map([['data.entity.total', 5]]),
  })) {
    await expect(host.sender.endpoints.create({ ...create, [field]: value } as never)).rejects.toMatchObject({
      field: expect.stringContaining(field),
    })
  }
  const { endpoint } = await host.sender.endpoints.create({ ...create, filter: { 'data.entity.x': 1 } })
  await expect(
    host.sender.endpoints.update(endpoint.id, { filter: new Map([['data.entity.x', 2]]) as never }),
  ).rejects.toMatchObject({ field: expect.stringContaining('filter') })
})

it('keeps all changes to alerts that are made at the same time', async () => {
  await using host = await openHost()
  const { alerts } = host.sender
  const to = [{ kind: 'slack' as const, url: 'http://127.0.0.1:9999/a' }]
  await Promise.all([
    alerts.update({ tenantId: 1, on: ['failing', 'disabled'] }),
    alerts.update({ tenantId: 1, to }),
    alerts.update({ tenantId: 1, quietSeconds: 77 }),
    alerts.update({ tenantId: 1, locale: 'de' }),
  ])
  expect(await alerts.get({ tenantId: 1 })).toMatchObject({
    on: ['failing', 'disabled'],
    to: [{ kind: 'slack' }],
    quietSeconds: 77,
    locale: 'de',
  })
})

it('keeps two targets that look the same as they are shown', async () => {
  await using host = await openHost()
  const { alerts } = host.sender
  const urls = ['http://127.0.0.1:9999/111/slack', 'http://127.0.0.1:9999/222/slack']
  await alerts.update({
    tenantId: 1,
    on: ['failing'],
    to: urls.map((url) => ({ kind: 'slack' as const, url })),
  })
  const sealed = async () =>
    (await host.run<{ sealed: string }>('select sealed from xe_webhook_alert_settings'))[0]
  const before = await alerts.get({ tenantId: 1 })
  const was = await sealed()
  await alerts.update({ tenantId: 1, ...before })
  expect(await sealed()).not.toEqual(was)
  // A third one is none of the two: what it would stand for is taken already.
  const [shown] = before.to
  await expect(
    alerts.update({ tenantId: 1, to: [...before.to, shown as NonNullable<typeof shown>] }),
  ).rejects.toThrow()
  expect((await alerts.get({ tenantId: 1 })).to).toEqual(before.to)
})

it('ends no process by an ordering function that answers with a promise', async () => {
  const orderingKeys = { late: (async () => Promise.reject(new Error('late'))) as never }
  await using host = await openHost({ orderingKeys })
  await host.sender.endpoints.create({ ...create, tenantId: 1, ordering: { by: 'late' } })
  await host.start()
  await host.engine.syncManager.addSyncEvent({ tenantId: 1, siteId: 1 }, 'File', 1, 'Update')
  await expect.poll(() => host.engine.subscriptions.parked('webhooks'), { timeout: 60_000 }).not.toEqual([])
})
