import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { type OpenHost, site, startHost } from '../open-host.ts'
import { listedDeliveries } from '../what-was-received.ts'

const raise = (host: OpenHost, id: number) =>
  host.engine.syncManager.addSyncEvent(site, 'File', id, 'Download')

const entityIdOf = ({ rawBody }: { rawBody: Buffer }) => JSON.parse(String(rawBody)).data.entityId as number

const stateOf = async (host: OpenHost, id: string) => (await host.sender.deliveries.get(id)).state

/** A consumer whose answers are given one by one. */
async function slowConsumer() {
  const consumer = await testConsumer()
  const answers: ((status: number) => void)[] = []
  consumer.answer(() => new Promise<number>((resolve) => answers.push(resolve)))
  return {
    consumer,
    async answer(index: number, status: number) {
      await waitFor(() => answers.length > index, `request ${index}`)
      answers[index]?.(status)
    },
    [Symbol.asyncDispose]: () => consumer[Symbol.asyncDispose](),
  }
}

it('makes no further attempt of a cancelled delivery, until it is sent again', async () => {
  await using host = await startHost({ retrySchedule: [0, 3_600] })
  await using consumer = await testConsumer()
  consumer.answer(400)
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host, 1)
  await host.sender.drain()
  const { deliveries } = host.sender
  const [pending] = await deliveries.list({ tenantId: 1, state: 'pending' })
  const id = pending?.id ?? ''
  await expect(deliveries.cancel(id, { tenantId: 2 })).rejects.toMatchObject({ code: 'delivery_not_found' })

  const cancelled = await deliveries.cancel(id)
  expect(cancelled).toMatchObject({ state: 'cancelled', attemptCount: 1, finishedOn: expect.any(Date) })
  expect(cancelled).not.toHaveProperty('dueOn')
  expect(await deliveries.cancel(id), 'once more').toEqual(cancelled)
  expect(await deliveries.list({ tenantId: 1, state: 'cancelled' })).toEqual([cancelled])
  expect(await host.run('select due_on from xe_webhook_queue where due_on is not null')).toEqual([])

  consumer.answer(204)
  expect(await deliveries.resend(id)).toMatchObject({ state: 'pending', endpointId: endpoint.id })
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(2)
  await expect(deliveries.cancel(id)).rejects.toMatchObject({ code: 'delivery_not_pending' })
  expect(await stateOf(host, id)).toBe('succeeded')
})

it.each([
  [204, 'succeeded'],
  [500, 'cancelled'],
])('records an attempt that is under way: %i leaves it %s', async (status, state) => {
  await using host = await startHost({ retrySchedule: [0, 0] })
  await using slow = await slowConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: slow.consumer.url })
  await raise(host, 1)
  await slow.consumer.received(1)
  const [delivery] = await listedDeliveries(host)
  const id = delivery?.id ?? ''
  expect(await host.sender.deliveries.cancel(id)).toMatchObject({ state: 'cancelled', attemptCount: 0 })
  await slow.answer(0, status)
  await waitFor(async () => (await host.sender.deliveries.get(id)).attempts.length === 1, 'the record')
  await host.sender.drain()
  expect(await host.sender.deliveries.get(id)).toMatchObject({
    state,
    attemptCount: 1,
    lastStatus: status,
    finishedOn: expect.any(Date),
    attempts: [{ number: 1, response: { status } }],
  })
  expect(slow.consumer.requests).toHaveLength(1)
})

it('heeds a wish to send again that comes after a cancellation, during the same attempt', async () => {
  await using host = await startHost({ retrySchedule: [0] })
  await using slow = await slowConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: slow.consumer.url })
  await raise(host, 1)
  await slow.consumer.received(1)
  const [delivery] = await listedDeliveries(host)
  const id = delivery?.id ?? ''
  await host.sender.deliveries.cancel(id)
  await host.sender.deliveries.resend(id)
  await slow.answer(0, 500)
  await slow.answer(1, 204)
  await host.sender.drain()
  expect(slow.consumer.requests).toHaveLength(2)
  expect(await stateOf(host, id)).toBe('succeeded')
})

it('lets the next of its lane begin, and not before an attempt under way has ended', async () => {
  await using host = await startHost({ retrySchedule: [0, 3_600] })
  await using slow = await slowConsumer()
  await using other = await testConsumer()
  const { endpoints } = host.sender
  await endpoints.create({
    tenantId: 1,
    url: slow.consumer.url,
    eventTypes: ['File.*'],
    ordering: 'fifo',
  })
  await endpoints.create({ tenantId: 1, url: other.url, eventTypes: ['Page.*'] })
  await host.engine.transaction(async ({ raise: raiseIn }) => {
    for (const id of [1, 2, 3]) await raiseIn(site, 'File', id, 'Download')
  })
  await slow.answer(0, 500)
  const list = () => host.sender.deliveries.list({ tenantId: 1, eventType: 'File.Download' })
  await waitFor(async () => (await list()).at(-1)?.attemptCount === 1, 'the first to have failed')
  const [third, second, first] = await list()
  expect([first, second, third].map((delivery) => delivery?.dueOn !== undefined)).toEqual([
    true,
    false,
    false,
  ])

  await host.sender.deliveries.cancel(first?.id ?? '')
  await slow.consumer.received(2)
  expect(slow.consumer.requests.map(entityIdOf)).toEqual([1, 2])
  // Under way, and cancelled: the third is due, and waits for the answer.
  await host.sender.deliveries.cancel(second?.id ?? '')
  expect((await host.sender.deliveries.get(third?.id ?? '')).dueOn).toBeInstanceOf(Date)
  await host.engine.syncManager.addSyncEvent(site, 'Page', 1, 'Create')
  await other.received(1)
  expect(slow.consumer.requests).toHaveLength(2)
  await slow.answer(1, 500)
  await slow.answer(2, 204)
  await host.sender.drain()
  expect(slow.consumer.requests.map(entityIdOf)).toEqual([1, 2, 3])
  expect((await list()).map(({ state }) => state)).toEqual(['succeeded', 'cancelled', 'cancelled'])
})
