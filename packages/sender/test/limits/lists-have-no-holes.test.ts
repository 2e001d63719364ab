import { testConsumer } from '@x/testkit'
import { expect, it } from 'vitest'
import { createWebhookSender } from '../../src/index.ts'
import { it as itOnEach } from '../each-database.ts'
import { encryptionKey, openHost } from '../open-host.ts'

const url = 'https://example.com/hook'

/** A list whose last member was never set: most methods of lists pass over it. */
function withHole<TMember>(...members: readonly TMember[]): TMember[] {
  const list = [...members]
  list.length++
  return list
}

itOnEach('refuses lists of an endpoint in which a member is missing', async () => {
  await using host = await openHost()
  const { endpoints } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url })
  for (const [field, change] of [
    ['retrySchedule', { retrySchedule: withHole(0) }],
    ['retrySchedule', { retrySchedule: new Array<number>(3) }],
    ['eventTypes', { eventTypes: withHole('File.*') }],
    ['filter.$or[1]', { eventTypes: ['File.*'], filter: { $or: withHole({ 'data.entity.total': 1 }) } }],
    ['filter.$changed[1]', { eventTypes: ['File.*'], filter: { $changed: withHole('total') } }],
  ] as [string, object][]) {
    await expect(endpoints.create({ tenantId: 1, url, ...change }), field).rejects.toMatchObject({ field })
    await expect(endpoints.update(endpoint.id, change), field).rejects.toMatchObject({ field })
  }
  expect(await endpoints.list({ tenantId: 1 })).toEqual([endpoint])
})

itOnEach('refuses them in what is asked for', async () => {
  await using host = await openHost()
  await using consumer = await testConsumer()
  const { alerts, deliveries, endpoints } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url })
  const to = withHole({ kind: 'slack', url: consumer.url } as const)
  for (const [field, call] of [
    ['to[1].kind', () => alerts.update({ tenantId: 1, to })],
    ['on', () => alerts.update({ tenantId: 1, on: withHole('failing' as const) })],
    ['state', () => deliveries.list({ tenantId: 1, state: withHole('pending' as const) })],
    ['ids', () => endpoints.summaries(withHole(endpoint.id))],
    [
      'eventTypes',
      () => deliveries.replay(endpoint.id, { since: new Date(), eventTypes: withHole('File.*' as const) }),
    ],
  ] as [string, () => Promise<unknown>][]) {
    await expect(call(), field).rejects.toMatchObject({ code: 'invalid_argument', field })
  }
})

it.each<[string, object]>([
  ['retrySchedule', { retrySchedule: withHole(0) }],
  ['network.allowPorts', { network: { allowPorts: withHole(81) } }],
  ['network.allow', { network: { allow: withHole('10.0.0.0/8') } }],
  ['network.ca', { network: { ca: new Array<string>(1) } }],
  ['payloadVersions', { payloadVersions: withHole('v1') }],
  ['previousEncryptionKeys[1]', { previousEncryptionKeys: withHole(encryptionKey) }],
])('refuses them in the option %s', async (name, options) => {
  await using host = await openHost()
  expect(() => createWebhookSender({ engine: host.engine, encryptionKey, ...options })).toThrow(
    `options.${name} `,
  )
})
