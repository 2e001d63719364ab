import { testConsumer } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { openHost, startHost } from '../open-host.ts'

it('takes a hundred patterns of usual length, and no hundred of the greatest', async () => {
  await using host = await openHost()
  const create = (length: number) => {
    const eventTypes = Array.from({ length: 100 }, (_, index) => `${'x'.repeat(length - 4)}${10 + index}.*`)
    return host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com/', eventTypes })
  }
  expect((await create(40)).endpoint.eventTypes).toHaveLength(100)
  await expect(create(60)).rejects.toMatchObject({ code: 'invalid_endpoint', field: 'eventTypes' })
  expect(await host.sender.endpoints.list({ tenantId: 1 })).toHaveLength(1)
})

it('refuses secrets that are far too long, unread', async () => {
  await using host = await openHost()
  for (const prefix of ['whsec_', 'whsk_', 'whpk_', '']) {
    const secret = prefix + 'A'.repeat(1_000_000)
    const creating = host.sender.endpoints.create({ tenantId: 1, url: 'https://example.com/', secret })
    await expect(creating).rejects.toMatchObject({ code: 'invalid_secret', field: 'secret' })
  }
})

it('shows the newest hundred attempts of a delivery that was sent over and over', async () => {
  await using host = await startHost({ retrySchedule: [0] })
  await using consumer = await testConsumer()
  await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  const { endpoints, deliveries, sendTest } = host.sender
  const [endpoint] = await endpoints.list({ tenantId: 1 })
  const { id } = await sendTest(endpoint?.id ?? '')
  await host.sender.drain()
  for (let times = 1; times <= 101; times++) {
    await deliveries.resend(id)
    await host.sender.drain()
  }
  const { attempts, attemptCount } = await deliveries.get(id)
  expect(attemptCount).toBe(102)
  expect(attempts.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, index) => index + 3))
})
