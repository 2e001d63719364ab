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

it('measures a URL as it is sent, and as it is stored', async () => {
  await using host = await openHost()
  const { create, get, update } = host.sender.endpoints
  const start = 'https://example.com/'
  const fits = `${start}${'\u{e9}'.repeat(338)}`
  expect(URL.parse(fits)?.href).toHaveLength(2_048)
  const { endpoint } = await create({ tenantId: 1, url: fits })
  for (const url of [
    `${fits}x`,
    `${fits}\u{e9}`,
    `${start}${'\u{20ac}'.repeat(226)}`,
    `${start}?${'"'.repeat(700)}`,
  ]) {
    expect(url.length).toBeLessThan(2_048)
    const message = expect.stringContaining('at most 2048 characters')
    const expected = { code: 'invalid_url', field: 'url', message }
    await expect(create({ tenantId: 1, url })).rejects.toMatchObject(expected)
    await expect(update(endpoint.id, { url })).rejects.toMatchObject(expected)
  }
  expect((await get(endpoint.id)).url).toHaveLength(2_048)
  // What is not sent does not count.
  await update(endpoint.id, { url: `${start}#${'x'.repeat(3_000)}` })
})

it('bounds what the headers of an endpoint come to, which the server of Node then takes', async () => {
  await using host = await startHost()
  await using consumer = await testConsumer()
  const { create, list } = host.sender.endpoints
  const headers = (length: number) => ({
    ...Object.fromEntries(
      Array.from({ length: 19 }, (_, index) => [`x-header-${10 + index}`, 'v'.repeat(400)]),
    ),
    'x-rest': 'v'.repeat(length - 19 * 411 - 6),
  })
  await expect(create({ tenantId: 1, url: consumer.url, headers: headers(8_193) })).rejects.toMatchObject({
    code: 'invalid_endpoint',
    field: 'headers',
    message: expect.stringContaining('at most 8192 characters together'),
  })
  expect(await list({ tenantId: 1 })).toEqual([])
  const { endpoint } = await create({ tenantId: 1, url: consumer.url, headers: headers(8_192) })
  // With as many signatures as there may be.
  for (let secrets = 1; secrets < 10; secrets++) await host.sender.endpoints.rotateSecret(endpoint.id)
  const { id } = await host.sender.sendTest(endpoint.id)
  await host.sender.drain()
  expect((await host.sender.deliveries.get(id)).state).toBe('succeeded')
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

it('creates no more endpoints for a tenant than it may have, also when many are created at once', async () => {
  await using host = await openHost({ maxEndpointsPerTenant: 5 })
  const { create } = host.sender.endpoints
  await create({ tenantId: 1, url: 'https://example.com' })
  const made = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      create({ tenantId: index < 16 ? 1 : 2, url: 'https://example.com' }),
    ),
  )
  const refused = made.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  expect(refused.map(({ code }) => code)).toEqual(Array(12).fill('too_many_endpoints'))
  expect(refused.at(-1).message).toContain('Tenant 1 has 5 endpoints already')
  expect(await host.sender.endpoints.list({ tenantId: 1 })).toHaveLength(5)
  expect(await host.sender.endpoints.list({ tenantId: 2 })).toHaveLength(4)
})
