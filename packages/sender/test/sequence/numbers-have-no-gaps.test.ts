import { testConsumer, waitFor } from '@x/testkit'
import { Webhook } from 'standardwebhooks'
import { expect, it as vitestIt } from 'vitest'
import { it, onPostgres } from '../each-database.ts'
import { type OpenHost, openHost, site, startHost } from '../open-host.ts'
import { idOf } from '../what-was-received.ts'
import { chainOf, isSigned, numbered } from './chain-of-requests.ts'

/** Two nodes, and a machine that may have other things to do. */
const PATIENCE_MS = 180_000

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

const raise = (host: OpenHost, entityName: 'File' | 'Page', id: number, of: object = {}) =>
  host.engine.syncManager.addSyncEvent({ ...site, ...of }, entityName, id, 'Update')

async function ended(host: OpenHost, jobId: string): Promise<void> {
  const hasEnded = async () => (await host.sender.jobs.get(jobId)).state === 'succeeded'
  await waitFor(hasEnded, 'the job to end', PATIENCE_MS)
  await host.sender.drain()
}

it('numbers the messages of an endpoint, whatever else is sent, and signs their place with each secret', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  await using other = await testConsumer()
  const { endpoints } = host.sender
  const { endpoint, secret } = await endpoints.create({
    tenantId: 1,
    url: consumer.url,
    eventTypes: ['Page.*'],
    sequence: true,
  })
  expect(endpoint.sequence).toBe(true)
  await endpoints.create({ tenantId: 1, url: other.url })
  for (let id = 1; id <= 20; id++) await raise(host, id % 2 === 0 ? 'Page' : 'File', id)
  await raise(host, 'Page', 21, { tenantId: 2 })
  await host.sender.drain()
  expect(chainOf(consumer.requests)).toEqual(upTo(10))
  expect(consumer.requests.every((request) => isSigned(request, secret))).toBe(true)
  expect(numbered(other.requests)).toEqual([])

  const rotated = await endpoints.rotateSecret(endpoint.id, { overlapSeconds: 3_600 })
  await host.sender.sendTest(endpoint.id)
  await host.sender.drain()
  const last = consumer.requests.at(-1) as (typeof consumer.requests)[number]
  expect(last.headers).toMatchObject({ 'webhook-endpoint': endpoint.id, 'webhook-sequence': '11' })
  for (const key of [secret, rotated.secret]) {
    expect(isSigned(last, key)).toBe(true)
    // Other receivers pass over what they do not know.
    new Webhook(key).verify(String(last.rawBody), last.headers as Record<string, string>)
  }
  const listed = await host.sender.deliveries.list({ tenantId: 1, endpointId: endpoint.id })
  expect(listed.map(({ sequence }) => sequence)).toEqual(upTo(11).reverse())
  const shown = await host.sender.deliveries.get(listed[0]?.id ?? '')
  expect(shown.attempts[0]?.request.headers).toMatchObject({
    'webhook-sequence': '11',
    'webhook-chain': last.headers['webhook-chain'],
  })
})

it('gives what is repeated the number that it has', async () => {
  await using host = await startHost({ retrySchedule: [0, 0, 0] })
  await using consumer = await testConsumer()
  consumer.answer(({ headers }) => (headers['webhook-sequence'] === '2' ? 500 : 204))
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, sequence: true })
  const { deliveries } = host.sender
  for (let id = 1; id <= 4; id++) await raise(host, 'Page', id)
  await host.sender.drain()
  await waitFor(
    async () => (await deliveries.list({ tenantId: 1, state: 'exhausted' })).length === 1,
    'one to be exhausted',
  )
  consumer.answer(204)
  const recovered = await deliveries.recover(endpoint.id, { since: new Date(0) })
  await ended(host, recovered.id)
  const [newest] = await deliveries.list({ tenantId: 1 })
  await deliveries.resend(newest?.id ?? '')
  await host.sender.drain()
  const sent = consumer.requests.map(({ headers }) => Number(headers['webhook-sequence'])).sort()
  expect(sent).toEqual([1, 2, 2, 2, 2, 3, 4, 4])
  expect(chainOf(consumer.requests)).toEqual(upTo(4))
})

it('gives no number to what is not for the endpoint: while it is disabled, filtered, or has no sequence', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { endpoints } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: consumer.url, sequence: true })
  await raise(host, 'Page', 1)
  await host.sender.drain()
  await endpoints.disable(endpoint.id)
  await raise(host, 'Page', 2)
  await host.sender.drain()
  await endpoints.enable(endpoint.id)
  await endpoints.update(endpoint.id, { filter: { 'data.entityId': 4 } })
  await raise(host, 'Page', 3)
  await raise(host, 'Page', 4)
  await host.sender.drain()
  await endpoints.update(endpoint.id, { filter: null, sequence: false })
  const without = await raise(host, 'Page', 5)
  await host.sender.drain()
  await endpoints.update(endpoint.id, { sequence: true })
  await raise(host, 'Page', 6)
  await host.sender.drain()
  expect(consumer.requests).toHaveLength(4)
  expect(chainOf(consumer.requests)).toEqual(upTo(3))
  const unnumbered = consumer.requests.filter(({ headers }) => headers['webhook-sequence'] === undefined)
  expect(unnumbered.map(idOf)).toEqual([without.id])
})

it.each([{ from: 'the log' }, { from: 'messages' }])(
  'gives what is replayed from $from the next numbers, in the order of the ordering key',
  async ({ from }) => {
    await using host = await startHost()
    await using before = await testConsumer()
    await using consumer = await testConsumer()
    const { endpoints, deliveries } = host.sender
    // Stored, so that the messages outlive their events.
    await endpoints.create({ tenantId: 1, url: before.url, ordering: 'fifo' })
    for (let id = 1; id <= 30; id++) await raise(host, 'Page', id)
    await host.sender.drain()
    if (from === 'messages') await host.run("delete from xe_sync_event where entity_name = 'Page'")
    const { endpoint } = await endpoints.create({
      tenantId: 1,
      url: consumer.url,
      ordering: 'fifo',
      sequence: true,
    })
    consumer.answer(() => 503)
    for (let id = 31; id <= 33; id++) await raise(host, 'Page', id)
    await host.sender.drain()
    consumer.answer(204)
    const job = await deliveries.replay(endpoint.id, { since: new Date(0) })
    await ended(host, job.id)
    await raise(host, 'Page', 34)
    await deliveries.recover(endpoint.id, { since: new Date(0) }).then(({ id }) => ended(host, id))
    await waitFor(() => numbered(consumer.requests).length === 34, '34 messages')
    expect(chainOf(consumer.requests)).toEqual(upTo(34))
    const succeeded = consumer.requests.slice(consumer.requests.length - 31)
    const order = succeeded.map(({ headers }) => Number(headers['webhook-sequence']))
    expect(order).toEqual([...order].sort((a, b) => a - b))
    expect(new Set(consumer.requests.map(idOf)).size).toBe(34)
  },
)

it('hashes what is sent, byte for byte, in each format', async () => {
  await using host = await startHost({
    render: async (event) => ({ rendered: event.entityId, text: 'Ä\u2028€' }),
  })
  await using consumer = await testConsumer()
  const formats = ['standard', 'cloudevents-structured', 'cloudevents-binary'] as const
  for (const format of formats) {
    await host.sender.endpoints.create({
      tenantId: 1,
      url: `${consumer.url}/${format}`,
      format,
      sequence: true,
    })
  }
  for (let id = 1; id <= 5; id++) await raise(host, 'Page', id)
  await host.sender.drain()
  for (const format of formats) {
    const own = consumer.requests.filter(({ path }) => path.endsWith(format))
    expect(chainOf(own)).toEqual(upTo(5))
  }
})

vitestIt(
  'numbers in the order of ordering keys when two nodes fan out and replay at once',
  () =>
    onPostgres(async () => {
      await using host = await openHost()
      await using another = await host.openAnother()
      await using consumer = await testConsumer()
      const { endpoint } = await host.sender.endpoints.create({
        tenantId: 1,
        url: consumer.url,
        ordering: 'fifo',
        eventTypes: ['Page.*'],
        sequence: true,
      })
      for (let id = 1; id <= 40; id++) await raise(host, 'File', id)
      await host.start()
      await another.start()
      await host.sender.drain()
      await host.sender.endpoints.update(endpoint.id, { eventTypes: ['*'] })
      const raising = (async () => {
        for (let id = 41; id <= 120; id++) await raise(id % 2 === 0 ? host : another, 'Page', id)
      })()
      const [one, two] = await Promise.all([
        host.sender.deliveries.replay(endpoint.id, { since: new Date(0), include: 'missing' }),
        another.sender.deliveries.replay(endpoint.id, { since: new Date(0), include: 'missing' }),
      ])
      await raising
      await ended(host, one.id)
      await ended(host, two.id)
      await waitFor(() => numbered(consumer.requests).length === 120, '120 messages', PATIENCE_MS)
      expect(chainOf(consumer.requests)).toEqual(upTo(120))
      const order = consumer.requests.map(({ headers }) => Number(headers['webhook-sequence']))
      expect(order.filter((one, index) => one < (order[index - 1] ?? 0))).toEqual([])
    }),
  600_000,
)
