import { testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it, testDialect } from '../each-database.ts'
import { type OpenHost, openHost, recordingLogger, site, startHost } from '../open-host.ts'

/** Lets the database refuse rows of a table, of which an SQL condition on `new` holds. */
async function refuse(host: OpenHost, action: 'insert' | 'update', table: string, condition: string) {
  if (testDialect() === 'sqlite') {
    await host.run(`create trigger refuse_${table} before ${action} on xe_webhook_${table} when ${condition}
      begin select raise(abort, 'refused by the test'); end`)
    return () => host.run(`drop trigger refuse_${table}`)
  }
  await host.run(`create or replace function refuse() returns trigger language plpgsql as
    $$ begin raise exception 'refused by the test'; end $$`)
  await host.run(`create trigger refuse_${table} before ${action} on xe_webhook_${table} for each row
    when (${condition}) execute function refuse()`)
  return () => host.run(`drop trigger refuse_${table} on xe_webhook_${table}`)
}

const raise = (host: OpenHost, ids: readonly number[]) =>
  host.engine.transaction(async ({ raise }) => {
    for (const id of ids) await raise(site, 'File', id, 'Download')
  })
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

it('stores how an endpoint does with the try that succeeds, when the one before was refused', async () => {
  const logger = recordingLogger()
  await using host = await openHost({ retrySchedule: [0, 3_600], engine: { logger } })
  await using consumer = await testConsumer()
  consumer.answer(500)
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await host.start()
  // Not a row's fault: the table is gone for a while.
  await host.run('alter table xe_webhook_attempt rename to xe_webhook_attempt_away')
  await raise(host, [1])
  await waitFor(
    () => logger.messages.some((one) => one.includes('could not be recorded')),
    'a refused commit',
  )
  await host.run('alter table xe_webhook_attempt_away rename to xe_webhook_attempt')
  await waitFor(
    async () => (await host.sender.deliveries.list({ tenantId: 1 }))[0]?.attemptCount === 1,
    'the attempt to be recorded',
  )
  expect((await host.sender.endpoints.get(endpoint.id)).failingSince).toBeInstanceOf(Date)
  expect(consumer.requests, 'the attempt is not repeated').toHaveLength(1)
})

interface Refused {
  readonly what: string
  readonly action: 'insert' | 'update'
  readonly table: string
  readonly condition: string
  readonly stored: object
}

const refusals: readonly Refused[] = [
  {
    what: 'the answer of a consumer',
    action: 'insert',
    table: 'attempt',
    condition: "new.response_body = 'poison 7'",
    stored: { state: 'exhausted', attemptCount: 1 },
  },
  {
    what: 'an attempt',
    action: 'insert',
    table: 'attempt',
    condition: 'new.message_key = 8',
    stored: { state: 'exhausted', attemptCount: 1 },
  },
]

for (const { what, action, table, condition, stored } of refusals) {
  it(`records a result without what the database refuses: ${what}`, async () => {
    const logger = recordingLogger()
    await using host = await startHost({ retrySchedule: [0], engine: { logger } })
    await using consumer = await testConsumer()
    consumer.answer(({ rawBody }) => {
      const id = JSON.parse(String(rawBody)).data.entityId
      return id === 7 ? { status: 400, body: 'poison 7' } : 204
    })
    await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 50 })
    await refuse(host, action, table, condition)
    await raise(host, upTo(40))
    await host.sender.drain()
    expect(await host.sender.deliveries.list({ tenantId: 1, state: 'exhausted' })).toMatchObject([stored])
    const { deliveries } = await host.sender.stats()
    expect(deliveries).toEqual({ pending: 0, exhausted: 1 })
    expect(consumer.requests, 'nothing is sent again').toHaveLength(40)
    expect(logger.messages.filter((one) => one.includes('was refused'))).toHaveLength(1)
  })
}

it('sets aside what cannot be recorded at all, and sends it again when it is started anew', async () => {
  const logger = recordingLogger()
  await using host = await startHost({ retrySchedule: [0], leaseMs: 200, engine: { logger } })
  await using consumer = await testConsumer()
  // Limited, so that they are stored before they are sent.
  const rateLimit = { limit: 1_000, perSeconds: 1 }
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 50, rateLimit })
  const allow = await refuse(host, 'update', 'delivery', 'new.message_key = 8')
  await raise(host, upTo(40))
  await waitFor(() => logger.messages.some((one) => one.includes('cannot be recorded')), 'it to be set aside')
  await raise(host, [99])
  await consumer.received(41)
  const pending = () => host.sender.deliveries.list({ tenantId: 1, state: 'pending' })
  await waitFor(async () => (await pending()).length === 1, 'the others to be recorded')
  // Several leases and looks later.
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(consumer.requests, 'nothing is sent again').toHaveLength(41)

  await host.sender.stop()
  await allow()
  await host.sender.start()
  await host.sender.drain()
  expect(await pending()).toEqual([])
  expect(consumer.requests).toHaveLength(42)
})

it("records a result although the host's log refuses what is to be told of it", async () => {
  const logger = recordingLogger()
  await using host = await startHost({ retrySchedule: [0], engine: { logger, maxDataBytes: 1_024 } })
  await using consumer = await testConsumer()
  consumer.answer(410)
  const url = `${consumer.url}/${'x'.repeat(1_500)}`
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url })
  await raise(host, [1])
  await host.sender.drain()
  expect(await host.sender.endpoints.get(endpoint.id)).toMatchObject({
    enabled: false,
    disabledReason: 'gone',
  })
  expect(logger.messages.filter((one) => one.includes('without telling the host'))).toHaveLength(1)
})

it('stores what cannot be recorded as it was sent straight, and holds up no other', async () => {
  const logger = recordingLogger()
  await using host = await startHost({ retrySchedule: [0], engine: { logger } })
  await using consumer = await testConsumer()
  consumer.answer(({ rawBody }) => ({
    status: 200,
    body: JSON.parse(String(rawBody)).data.entityId === 8 ? 'refused' : 'fine',
  }))
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url, concurrency: 50 })
  await refuse(host, 'insert', 'delivery', "new.response_body = 'refused'")
  await raise(host, upTo(40))
  await host.sender.drain()
  const deliveries = await host.sender.deliveries.list({ tenantId: 1, limit: 100 })
  expect(deliveries.map(({ state }) => state)).toEqual(Array(40).fill('succeeded'))
  expect(new Set(deliveries.map(({ eventId }) => eventId)).size).toBe(40)
})
