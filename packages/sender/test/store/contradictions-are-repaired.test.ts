import type { EntityName } from '@x/events-core'
import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { type OpenHost, openHost, recordingLogger, site } from '../open-host.ts'

interface Break {
  readonly what: string
  readonly kind: string
  readonly ordering?: 'fifo'
  /** The statements that break it. */
  breaking(endpointKey: number): readonly string[]
  /** How many of four events arrive in the end. */
  readonly arrive: number
}

const queue = 'update xe_webhook_queue set due_on ='
const delivery = 'update xe_webhook_delivery set due_on ='
const of = (endpointKey: number) => `where endpoint_key = ${endpointKey}`
const first = (endpointKey: number) =>
  `(select min(message_key) from xe_webhook_delivery where endpoint_key = ${endpointKey})`

const breaks: readonly Break[] = [
  {
    what: 'an endpoint without a row in the queue',
    kind: 'late_endpoint',
    breaking: (key) => [`delete from xe_webhook_queue ${of(key)}`],
    arrive: 4,
  },
  {
    what: 'an endpoint that is due later than its deliveries',
    kind: 'late_endpoint',
    breaking: (key) => [`${queue} ${Date.UTC(2100, 0, 1)} ${of(key)}`],
    arrive: 4,
  },
  {
    what: 'an endpoint that is never due',
    kind: 'late_endpoint',
    breaking: (key) => [`${queue} null ${of(key)}`],
    arrive: 4,
  },
  {
    what: 'a lane in which nothing is due',
    kind: 'stuck_ordering_key',
    ordering: 'fifo',
    breaking: (key) => [`${delivery} null ${of(key)}`, `${queue} null ${of(key)}`],
    arrive: 4,
  },
  {
    what: 'a lane in which more than one is due',
    kind: 'crowded_ordering_key',
    ordering: 'fifo',
    breaking: (key) => [`${delivery} ${Date.UTC(2100, 0, 1)} ${of(key)}`],
    arrive: 0,
  },
  {
    what: 'a delivery in no lane, and without a due time',
    kind: 'never_due',
    breaking: (key) => [`${delivery} null ${of(key)} and message_key = ${first(key)}`],
    arrive: 4,
  },
  {
    what: 'a delivery without its message',
    kind: 'missing_message',
    ordering: 'fifo',
    breaking: (key) => [`delete from xe_webhook_message where key = ${first(key)}`],
    arrive: 3,
  },
  {
    what: 'a deleted endpoint with pending deliveries',
    kind: 'deleted_endpoint',
    breaking: (key) => [`update xe_webhook_endpoint set enabled = false, deleted_on = 1 where key = ${key}`],
    arrive: 0,
  },
  {
    what: 'deliveries of an endpoint that is not there at all',
    kind: 'deleted_endpoint',
    breaking: (key) => [`delete from xe_webhook_endpoint where key = ${key}`],
    arrive: 0,
  },
]

/** Four deliveries for an endpoint of each break, stored by a host that has stopped. */
async function storeDeliveries(host: OpenHost, url: string): Promise<void> {
  for (const [index, { ordering = 'none' }] of breaks.entries()) {
    const eventTypes = [`Thing${index}.*`]
    await host.sender.endpoints.create({ tenantId: 1, url: `${url}/${index}`, eventTypes, ordering })
  }
  await host.start()
  await host.engine.transaction(async ({ raise }) => {
    for (let id = 1; id <= 4; id++) {
      for (const index of breaks.keys()) await raise(site, `Thing${index}` as EntityName, id, 'Update')
    }
  })
  await waitFor(
    async () => (await host.sender.stats()).deliveries.pending === 4 * breaks.length,
    'the deliveries',
  )
  await host.sender.stop()
}

it('finds and mends what contradicts the rest, and says what', async () => {
  const logger = recordingLogger()
  await using host = await openHost({ retrySchedule: [3_600], engine: { logger } })
  await using consumer = await testConsumer()
  await storeDeliveries(host, consumer.url)
  await host.run('update xe_webhook_delivery set due_on = 1 where due_on is not null')
  await host.run('update xe_webhook_queue set due_on = 1')
  for (const [index, { breaking }] of breaks.entries()) {
    for (const statement of breaking(index + 1)) await host.run(statement)
  }

  await using other = await host.openAnother({ reconcileEveryMs: 20 })
  await other.sender.start()
  // The crowded lane is due in a far future, for the rest of the test.
  const stats = () => other.sender.stats()
  await waitFor(async () => (await stats()).deliveries.pending === 4, 'nothing else to be pending')
  await waitFor(async () => (await stats()).reconciliation.repairs >= breaks.length, 'all to be mended')
  const { runs, repairs } = (await stats()).reconciliation
  await waitFor(async () => (await stats()).reconciliation.runs > runs + 1, 'another look')
  expect((await stats()).reconciliation.repairs, 'nothing is mended again').toBe(repairs)

  const warnings = logger.messages.filter((one) => one.startsWith('Reconciliation repaired'))
  expect(warnings).toHaveLength(repairs)
  for (const [index, { what, kind, arrive }] of breaks.entries()) {
    const mine = warnings.filter((one) => one.includes(`"endpointKey":${index + 1},`))
    expect(
      mine.some((one) => one.includes(`"kind":"${kind}"`)),
      what,
    ).toBe(true)
    const arrived = consumer.requests.filter(({ path }) => path.endsWith(`/${index}`))
    expect(arrived, what).toHaveLength(arrive)
  }
  const crowded = breaks.findIndex(({ kind }) => kind === 'crowded_ordering_key') + 1
  expect(
    await host.run(
      `select 1 from xe_webhook_delivery ${of(crowded)} and due_on is not null and message_key = ${first(crowded)}
       union all select 2 from xe_webhook_delivery ${of(crowded)} and due_on is not null`,
    ),
  ).toHaveLength(2)
})

it('is done by one of many nodes, and finds nothing where nothing is wrong', async () => {
  await using host = await openHost({ reconcileEveryMs: 3_600_000, retrySchedule: [0, 0, 3_600] })
  await using consumer = await testConsumer()
  consumer.answer(({ rawBody }) => (JSON.parse(String(rawBody)).data.entityId === 3 ? 400 : 204))
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 20 })
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, ordering: { by: 'entity' } })
  await host.sender.endpoints.create({
    tenantId: 1,
    url: consumer.url,
    rateLimit: { limit: 3, perSeconds: 1 },
  })
  await host.start()
  await using one = await host.openAnother({ reconcileEveryMs: 20 })
  await using two = await host.openAnother({ reconcileEveryMs: 20 })
  for (const { sender } of [one, two]) await sender.start()
  const runs = async () =>
    (await Promise.all([one, two].map(({ sender }) => sender.stats()))).map(
      ({ reconciliation }) => reconciliation,
    )
  for (let id = 0; id < 60; id++) {
    await host.engine.syncManager.addSyncEvent(site, 'File', id % 7, 'Download')
  }
  const enough = async () => (await runs()).reduce((sum, { runs }) => sum + runs, 0) > 5
  await waitFor(enough, 'several looks')
  expect((await runs()).map(({ repairs }) => repairs)).toEqual([0, 0])
})
