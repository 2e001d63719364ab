import { EntityNames, type SyncEvent } from '@x/events-core'
import { manualClock, testConsumer, waitFor } from '@x/testkit'
import fc from 'fast-check'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { type HostOptions, type OpenHost, site, startHost } from '../open-host.ts'

const DAY_MS = 86_400_000

const raise = (host: OpenHost, id: number, data?: object) =>
  host.engine.syncManager.addSyncEvent(site, EntityNames.File, id, 'Update', data && { data: data as never })

const count = async (host: OpenHost, table: string, condition = 'true') => {
  const [row] = await host.run<{ n: unknown }>(
    `select count(*) as n from xe_webhook_${table} where ${condition}`,
  )
  return Number(row?.n)
}

const stored = async (host: OpenHost) => ({
  messages: await count(host, 'message'),
  attempts: await count(host, 'attempt'),
  pending: await count(host, 'delivery', `state = 'pending'`),
  straight: await count(host, 'delivery', 'url is not null'),
})

/**
 * A host that has sent webhooks of so many events straight. On a busy machine an endpoint may be read so late, or a response
 * come so late, that a webhook is stored first: then another host begins anew.
 */
async function hostThatSentStraight(eventCount: number, options: HostOptions = {}) {
  const attempts = 3
  for (let attempt = 1; ; attempt++) {
    await using opened = new AsyncDisposableStack()
    const host = opened.use(await startHost(options))
    const consumer = opened.use(await testConsumer())
    consumer.answer(() => ({ status: 202, body: 'thanks' }))
    const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
    const events: SyncEvent[] = []
    for (let id = 1; id <= eventCount; id++) events.push(await raise(host, id, { id, text: 'Ä "\u2028' }))
    await host.sender.drain()
    const rows = await stored(host)
    if (rows.messages > 0 && attempt < attempts) continue
    expect(rows).toEqual({ messages: 0, attempts: 0, pending: 0, straight: eventCount })
    const all = opened.move()
    return { host, consumer, endpoint, events, [Symbol.asyncDispose]: () => all.disposeAsync() }
  }
}

it('writes one row for a webhook that succeeds at once, and shows it like any other', async () => {
  const before = Date.now()
  await using sent = await hostThatSentStraight(3)
  const { host, consumer, endpoint, events } = sent
  const deliveries = await host.sender.deliveries.list({ tenantId: 1 })
  expect(deliveries).toHaveLength(3)
  const byEvent = new Map(deliveries.map((delivery) => [delivery.eventId, delivery]))
  for (const event of events) {
    const delivery = byEvent.get(event.id)
    expect(delivery).toMatchObject({
      endpointId: endpoint.id,
      tenantId: 1,
      eventType: 'File.Update',
      state: 'succeeded',
      attemptCount: 1,
      lastStatus: 202,
    })
    expect(delivery?.dueOn).toBeUndefined()
    expect(delivery?.createdOn.getTime()).toBeGreaterThanOrEqual(before)
    const details = await host.sender.deliveries.get(delivery?.id ?? '')
    const request = consumer.requests.find(({ headers }) => headers['webhook-id'] === event.id)
    expect(details.body, 'composed again, to the byte').toBe(String(request?.rawBody))
    expect(details.attempts).toMatchObject([
      {
        number: 1,
        request: {
          url: consumer.url,
          headers: {
            'webhook-signature': request?.headers['webhook-signature'],
            'webhook-timestamp': request?.headers['webhook-timestamp'],
          },
        },
        response: { status: 202, body: 'thanks' },
      },
    ])
  }
  const filters = [{ state: 'succeeded' }, { eventType: 'File.Update' }, { endpointId: endpoint.id }] as const
  for (const filter of filters) {
    expect(await host.sender.deliveries.list({ tenantId: 1, ...filter })).toEqual(deliveries)
  }
  expect(await host.sender.deliveries.list({ tenantId: 1, eventType: 'Page.Update' })).toEqual([])
  expect(await host.sender.deliveries.list({ tenantId: 1, state: 'pending' })).toEqual([])
  const paged = await host.sender.deliveries.list({ tenantId: 1, before: deliveries[0]?.id, limit: 1 })
  expect(paged).toEqual([deliveries[1]])
  const inTime = { createdAfter: new Date(before), createdBefore: new Date(Date.now() + 60_000) }
  expect(await host.sender.deliveries.list({ tenantId: 1, ...inTime })).toEqual(deliveries)
  const { total } = await host.sender.statistics({ tenantId: 1, since: new Date(before - 3_600_000) })
  expect(total).toMatchObject({ succeeded: 3, failed: 0 })
  expect(await host.sender.stats()).toMatchObject({
    deliveries: { pending: 0 },
    sinceStart: { succeeded: 3 },
  })
})

it('stores a webhook that was sent straight when it is sent again, by a person or a job', async () => {
  await using once = await hostThatSentStraight(2)
  const { host, consumer, endpoint } = once
  const [second, first] = await host.sender.deliveries.list({ tenantId: 1 })
  await host.sender.deliveries.resend(first?.id ?? '')
  await host.sender.drain()
  expect(await stored(host)).toMatchObject({ messages: 1, attempts: 2, straight: 1 })
  const again = await host.sender.deliveries.get(first?.id ?? '')
  expect(again).toMatchObject({ state: 'succeeded', attemptCount: 2 })
  expect(again.attempts.map(({ number }) => number)).toEqual([1, 2])
  // Requests of two connections may arrive in any order.
  const sent = consumer.requests.filter(({ headers }) => headers['webhook-id'] === first?.eventId)
  expect(sent.map(({ rawBody }) => String(rawBody))).toEqual([again.body, again.body])

  await host.sender.deliveries.replay(endpoint.id, { tenantId: 1, since: new Date(0) })
  await waitFor(() => consumer.requests.length === 5, 'both of them once more')
  await host.sender.drain()
  expect(await stored(host)).toMatchObject({ messages: 2, attempts: 5, straight: 0 })
  expect((await host.sender.deliveries.get(second?.id ?? '')).attempts).toHaveLength(2)
  await host.sender.deliveries.replay(endpoint.id, { tenantId: 1, since: new Date(0), include: 'missing' })
  await host.sender.drain()
  expect(consumer.requests, 'nothing was missing').toHaveLength(5)
})

it('does not send again by a replay what an endpoint has got straight', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  for (const id of [1, 2, 3]) await raise(host, id)
  await host.sender.drain()
  await host.sender.deliveries.replay(endpoint.id, { tenantId: 1, since: new Date(0), include: 'missing' })
  const { endpoint: late } = await host.sender.endpoints.create({ tenantId: 1, url: `${consumer.url}/late` })
  await host.sender.deliveries.replay(late.id, { tenantId: 1, since: new Date(0), include: 'missing' })
  const sentTo = (wanted: string) => consumer.requests.filter(({ path }) => path === wanted)
  await waitFor(() => sentTo('/hook/late').length >= 3, 'what the second has missed')
  await host.sender.drain()
  expect(sentTo('/hook/late')).toHaveLength(3)
  expect(sentTo('/hook')).toHaveLength(3)
})

it('stores what fails, with its attempt', async () => {
  await using host = await startHost({ retrySchedule: [0, 3_600] })
  await using consumer = await testConsumer()
  consumer.answer(() => ({ status: 500, body: 'oh' }))
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host, 1)
  await waitFor(async () => (await count(host, 'attempt')) === 1, 'the attempt')
  await host.sender.drain()
  expect(await stored(host)).toEqual({ messages: 1, attempts: 1, pending: 1, straight: 0 })
  const [delivery] = await host.sender.deliveries.list({ tenantId: 1 })
  expect(delivery).toMatchObject({ state: 'pending', attemptCount: 1, lastStatus: 500 })
  const { attempts, body } = await host.sender.deliveries.get(delivery?.id ?? '')
  expect(attempts).toMatchObject([{ number: 1, response: { status: 500, body: 'oh' } }])
  expect(body).toBe(String(consumer.requests[0]?.rawBody))
  expect(consumer.requests).toHaveLength(1)
})

it('lets one slow consumer hold up neither the position nor others, and sends it nothing twice', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const response = Promise.withResolvers<number>()
  consumer.answer(({ path }) => (path.endsWith('/slow') ? response.promise : 204))
  await host.sender.endpoints.create({ tenantId: 1, url: `${consumer.url}/slow`, eventTypes: ['Page.*'] })
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, eventTypes: ['File.*'] })
  await host.engine.syncManager.addSyncEvent(site, EntityNames.Page, 1, 'Update')
  await consumer.received(1)
  for (let id = 1; id <= 20; id++) await raise(host, id)
  // On a busy machine others may be late, too.
  await waitFor(async () => (await count(host, 'message')) >= 1, 'the slow one to be stored')
  await waitFor(async () => (await count(host, 'delivery', `state = 'succeeded'`)) === 20, 'the others')
  expect(await count(host, 'delivery', `state = 'pending'`)).toBe(1)
  response.resolve(204)
  await host.sender.drain()
  expect(await count(host, 'delivery', `state = 'succeeded'`)).toBe(21)
  expect(consumer.requests.filter(({ path }) => path.endsWith('/slow'))).toHaveLength(1)
})

it('stores first what is ordered, limited, delayed or in another format', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const others = [
    { ordering: 'fifo' },
    { rateLimit: { limit: 100, perSeconds: 1 } },
    { retrySchedule: [0.05, 60] },
    { format: 'cloudevents-binary' },
  ] as const
  for (const [index, one] of others.entries()) {
    await host.sender.endpoints.create({ tenantId: 1, url: `${consumer.url}/${index}`, ...one })
  }
  for (const id of [1, 2]) await raise(host, id)
  await waitFor(() => consumer.requests.length === 8, 'all of them')
  await waitFor(async () => (await count(host, 'delivery', `state = 'succeeded'`)) === 8, 'their records')
  expect(await stored(host)).toMatchObject({ straight: 0, attempts: 8 })
})

it('sends no more straight than its host allows', async () => {
  const asked: unknown[] = []
  await using host = await startHost({ canReceive: (_, { id }) => asked.push(id) > 0 })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  const event = await raise(host, 1)
  await host.sender.drain()
  expect(asked).toEqual([event.id])
  expect(await stored(host)).toMatchObject({ straight: 0, attempts: 1 })
})

it('parks an event that no message can be made of, and sends those before and after it', async () => {
  await using host = await startHost({ maxBodyBytes: 1_024 })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.engine.transaction(async ({ raise: add }) => {
    for (let id = 1; id <= 9; id++) {
      await add(site, 'File', id, 'Update', id === 5 ? { data: { text: 'x'.repeat(2_000) } as never } : {})
    }
  })
  await waitFor(
    async () => (await host.engine.subscriptions.parked('webhooks')).length === 1,
    'the large one',
  )
  await host.sender.drain()
  const ids = consumer.requests.map(({ rawBody }) => JSON.parse(String(rawBody)).data.entityId)
  expect(ids.sort()).toEqual([1, 2, 3, 4, 6, 7, 8, 9])
})

it('keeps events in the log for as long as their deliveries', async () => {
  const retention = { keepMs: 1, intervalMs: 20 }
  await using host = await startHost({ engine: { retention } })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await raise(host, 1, { id: 1 })
  await host.sender.drain()
  await host.engine.syncManager.addSyncEvent({ tenantId: 2, siteId: 1 }, EntityNames.File, 2, 'Update')
  await host.sender.drain()
  // Five clean-ups.
  await new Promise((resolve) => setTimeout(resolve, 200))
  const [delivery] = await host.sender.deliveries.list({ tenantId: 1 })
  const { body } = await host.sender.deliveries.get(delivery?.id ?? '')
  expect(body).toBe(String(consumer.requests[0]?.rawBody))
})

it('needs no event whose message is stored, although its delivery still waits', async () => {
  const retention = { keepMs: 1, intervalMs: 1_000 }
  await using sent = await hostThatSentStraight(1, { engine: { retention } })
  const { host, consumer, endpoint, events } = sent
  const [event] = events
  consumer.answer(503)
  const [{ id = '' } = {}] = await host.sender.deliveries.list({ tenantId: 1 })
  await host.sender.deliveries.resend(id)
  await waitFor(async () => (await host.sender.deliveries.get(id)).attemptCount === 2, 'the second attempt')
  await host.sender.endpoints.disable(endpoint.id)
  const { body } = await host.sender.deliveries.get(id)
  await host.sender.stop()
  await host.engine.stop()

  const clock = manualClock(Date.now() + DAY_MS)
  await using later = await host.openAnother({ engine: { clock, pollMaxMs: 2 ** 30, retention } })
  const kept = () => later.run(`select 1 from xe_sync_event where id = '${event?.id}'`)
  expect(await kept()).toHaveLength(1)
  await later.start()
  await waitFor(async () => {
    await clock.advance(10_000)
    return (await kept()).length === 0
  }, 'the event to be deleted')
  expect(await later.sender.deliveries.get(id)).toMatchObject({
    state: 'pending',
    eventType: 'File.Update',
    body,
  })
})

it('composes the same bytes again, whatever an event carries', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  const values = fc.array(fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }), {
    minLength: 1,
    maxLength: 20,
  })
  await fc.assert(
    fc.asyncProperty(values, async (some) => {
      // A text that no database takes is refused when the event is raised.
      const raised = await Promise.allSettled(some.map((value, id) => raise(host, id, { value })))
      await host.sender.drain()
      const ids = raised.flatMap((one) => (one.status === 'fulfilled' ? [one.value.id] : []))
      const sent = new Map(
        consumer.requests.map(({ headers, rawBody }) => [headers['webhook-id'], String(rawBody)]),
      )
      for (const { id, eventId } of await host.sender.deliveries.list({ tenantId: 1, limit: 50 })) {
        if (!ids.includes(eventId)) continue
        expect((await host.sender.deliveries.get(id)).body).toBe(sent.get(eventId))
      }
      expect(ids.every((id) => sent.has(id))).toBe(true)
    }),
    { numRuns: 8 },
  )
  expect((await stored(host)).straight).toBeGreaterThan(0)
})
