import { eventTypeOf } from '@x/events-core'
import { manualClock, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import type { DeliveredEvent, Endpoint } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { type OpenHost, recordingLogger, site, startHost } from '../open-host.ts'

const raise = (host: OpenHost, entityId: number) =>
  host.engine.syncManager.addSyncEvent(site, 'Page', entityId, 'Update', { data: { name: 'Home' } as never })

const settled = (host: OpenHost, count: number) =>
  waitFor(async () => {
    const list = await host.sender.deliveries.list({ tenantId: 1 })
    return list.length === count && list.every(({ state }) => state !== 'pending') && list
  }, `${count} deliveries at rest`)

it('is asked about endpoint and event, and sends nothing where the answer is no', async () => {
  const asked: [Endpoint, DeliveredEvent][] = []
  await using host = await startHost({
    canReceive: async (endpoint, event) => {
      asked.push([endpoint, event])
      return event.entityId !== 2
    },
  })
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    metadata: { user: 'ada' },
  })
  const first = await raise(host, 1)
  await raise(host, 2)
  await raise(host, 3)
  const deliveries = await settled(host, 3)
  expect(deliveries.map(({ state, attemptCount }) => [state, attemptCount])).toEqual([
    ['succeeded', 1],
    ['cancelled', 0],
    ['succeeded', 1],
  ])
  const refused = await host.sender.deliveries.get(deliveries[1]?.id ?? '')
  expect(refused).toMatchObject({ lastErrorCode: 'not_allowed', attempts: [], finishedOn: expect.any(Date) })
  expect(consumer.requests).toHaveLength(2)

  const [askedEndpoint, { modifiedOn, ...event }] = asked[0] as [Endpoint, DeliveredEvent]
  expect(askedEndpoint).toMatchObject({ id: endpoint.id, tenantId: 1, metadata: { user: 'ada' } })
  expect(event).toEqual({
    id: first.id,
    tenantId: 1,
    siteId: 7,
    siteKey: '1:7',
    entityName: 'Page',
    entityId: 1,
    action: 'Update',
  })
  expect(modifiedOn).toEqual(first.modifiedOn)
  expect((await host.sender.stats()).sinceStart).toMatchObject({ attempts: 2, failed: 0 })
  expect((await host.sender.endpoints.get(endpoint.id)).failingSince).toBeUndefined()
})

it('is asked again before each attempt, in whichever format', async () => {
  const answers = [true, false]
  const types: string[] = []
  await using host = await startHost({
    retrySchedule: [0, 0, 0],
    canReceive: (_endpoint, event) => {
      types.push(`${eventTypeOf(event)} ${event.modifiedOn.toISOString()}`)
      return answers.shift() ?? false
    },
  })
  await using consumer = await testConsumer()
  consumer.answer(500)
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, format: 'cloudevents-binary' })
  const event = await raise(host, 1)
  const [delivery] = await settled(host, 1)
  expect(delivery).toMatchObject({ state: 'cancelled', attemptCount: 1, lastErrorCode: 'not_allowed' })
  expect(types).toEqual(Array(2).fill(`Page.Update ${event.modifiedOn.toISOString()}`))
  expect(consumer.requests).toHaveLength(1)
})

it('lets the next of a lane go when one is not allowed', async () => {
  await using host = await startHost({ canReceive: (_endpoint, { entityId }) => entityId !== 1 })
  await using consumer = await testConsumer()
  const format = 'cloudevents-structured'
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, ordering: 'fifo', format })
  await host.engine.transaction(async ({ raise: raiseInside }) => {
    for (const id of [1, 2, 3]) await raiseInside(site, 'Page', id, 'Update')
  })
  await settled(host, 3)
  const ids = consumer.requests.map(({ rawBody }) => JSON.parse(String(rawBody)).data.entityId)
  expect(ids).toEqual([2, 3])
})

it.each<[string, () => unknown]>([
  ['throws', () => Promise.reject(new Error('directory is down'))],
  [
    'throws at once',
    () => {
      throw new Error('directory is down')
    },
  ],
  ['does not answer in time', () => new Promise(() => {})],
  ['says neither yes nor no', () => undefined],
])('puts the attempt off when it %s, which is no attempt', async (_what, fail) => {
  const clock = manualClock()
  const logger = recordingLogger()
  let works = false
  await using host = await startHost({
    engine: { clock, logger },
    timeoutMs: 4_000,
    canReceive: () => (works ? true : (fail() as boolean)),
  })
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host, 1)
  const failed = await waitFor(async () => {
    const [delivery] = await host.sender.deliveries.list({ tenantId: 1 })
    return delivery?.lastErrorCode === 'check_failed' && delivery
  }, 'the failed check')
  expect(failed).toMatchObject({ state: 'pending', attemptCount: 0 })
  expect(consumer.requests).toHaveLength(0)
  works = true
  await clock.advance(2_000)
  await consumer.received(1)
  await host.sender.drain()
  const [delivery] = await host.sender.deliveries.list({ tenantId: 1 })
  expect(delivery).toMatchObject({ state: 'succeeded', attemptCount: 1 })
  expect((await host.sender.endpoints.get(endpoint.id)).failingSince).toBeUndefined()
})

it('sends nothing to an endpoint that was disabled while it was asked', async () => {
  const entered = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<boolean>()
  await using host = await startHost({
    canReceive: () => {
      entered.resolve()
      return answer.promise
    },
  })
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host, 1)
  await entered.promise
  await host.sender.endpoints.disable(endpoint.id)
  answer.resolve(true)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(0)
  await host.sender.endpoints.enable(endpoint.id)
  await consumer.received(1)
})
