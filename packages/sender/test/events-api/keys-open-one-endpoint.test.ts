import { manualClock } from '@x/testkit'
import { expect } from 'vitest'
import { uniqueId } from '../../src/ids.ts'
import { it } from '../each-database.ts'
import { openHost, startHost } from '../open-host.ts'
import { numbersOf, pullEndpoint, raise, serveEvents } from './serve-events.ts'

const MINUTE_MS = 60_000

it('creates, lists, rotates and revokes keys, and stores the text of none', async () => {
  const clock = manualClock()
  await using host = await openHost({ engine: { clock } })
  await using server = await serveEvents(host, { clock })
  const { endpoints } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: null })
  const { key, ...first } = await endpoints.createKey(endpoint.id)
  expect(key).toMatch(/^whk_[\w-]{43}$/)
  expect(first).toEqual({
    id: expect.stringMatching(/^key_[\da-f-]{36}$/),
    prefix: key.slice(0, 12),
    createdOn: new Date(clock.now()),
  })
  expect(await endpoints.listKeys(endpoint.id)).toEqual([first])

  // Used, to the minute.
  expect((await server.read(endpoint.id, key)).status).toBe(200)
  const lastUsedOn = new Date(clock.now())
  expect(await endpoints.listKeys(endpoint.id)).toEqual([{ ...first, lastUsedOn }])
  clock.jump(MINUTE_MS - 1)
  await server.read(endpoint.id, key)
  expect(await endpoints.listKeys(endpoint.id)).toEqual([{ ...first, lastUsedOn }])
  clock.jump(1)
  await server.read(endpoint.id, key)
  expect((await endpoints.listKeys(endpoint.id))[0]?.lastUsedOn).toEqual(new Date(clock.now()))

  // For a while both are valid.
  const rotated = await endpoints.rotateKey(endpoint.id, first.id, { overlapSeconds: 60 })
  const [current, previous] = await endpoints.listKeys(endpoint.id)
  expect([current?.id, previous?.id]).toEqual([rotated.id, first.id])
  expect(previous?.expiresOn).toEqual(new Date(clock.now() + MINUTE_MS))
  for (const one of [key, rotated.key]) expect((await server.read(endpoint.id, one)).status).toBe(200)
  clock.jump(MINUTE_MS)
  expect((await server.read(endpoint.id, key)).status).toBe(401)
  expect((await server.read(endpoint.id, rotated.key)).status).toBe(200)
  expect(await endpoints.listKeys(endpoint.id)).toHaveLength(1)

  await endpoints.revokeKey(endpoint.id, rotated.id)
  expect((await server.read(endpoint.id, rotated.key)).status).toBe(401)
  expect(await endpoints.listKeys(endpoint.id)).toEqual([])
  const stored = JSON.stringify(await host.run('select * from xe_webhook_api_key'))
  for (const text of [key, rotated.key]) expect(stored).not.toContain(text.slice(12))
})

it('has at most ten keys, and refuses what is no key of the endpoint', async () => {
  await using host = await openHost()
  const { endpoints } = host.sender
  const { endpoint } = await endpoints.create({ tenantId: 1, url: null })
  const other = await endpoints.create({ tenantId: 1, url: null })
  const created = await Promise.all(
    Array.from({ length: 12 }, () => endpoints.createKey(endpoint.id).catch((error) => error.code)),
  )
  expect(created.filter((one) => one === 'too_many_keys')).toHaveLength(2)
  const { id } = created.find((one) => typeof one === 'object')
  // A key that ends at once makes room for the one in its place.
  await expect(endpoints.rotateKey(endpoint.id, id)).rejects.toMatchObject({ code: 'too_many_keys' })
  const { id: leaked } = created.findLast((one) => typeof one === 'object')
  await endpoints.rotateKey(endpoint.id, leaked, { overlapSeconds: 0 })
  const keys = await endpoints.listKeys(endpoint.id)
  expect(keys).toHaveLength(10)
  expect(keys.map((one) => one.id)).not.toContain(leaked)
  for (const keyId of [id, uniqueId('key_', Date.now()), 'key_', undefined as never]) {
    await expect(endpoints.revokeKey(other.endpoint.id, keyId)).rejects.toMatchObject({
      code: 'key_not_found',
    })
    await expect(endpoints.rotateKey(other.endpoint.id, keyId)).rejects.toMatchObject({
      code: 'key_not_found',
    })
  }
  await expect(endpoints.rotateKey(endpoint.id, id, { overlapSeconds: -1 })).rejects.toMatchObject({
    code: 'invalid_argument',
    field: 'overlapSeconds',
  })
  for (const call of [
    () => endpoints.createKey(endpoint.id, { tenantId: 2 }),
    () => endpoints.listKeys(endpoint.id, { tenantId: 2 }),
    () => endpoints.rotateKey(endpoint.id, id, { tenantId: 2 }),
    () => endpoints.revokeKey(endpoint.id, id, { tenantId: 2 }),
  ]) {
    await expect(call()).rejects.toMatchObject({ code: 'endpoint_not_found' })
  }
  const pushed = await endpoints.create({ tenantId: 1, url: 'https://example.com' })
  await expect(endpoints.createKey(pushed.endpoint.id)).rejects.toMatchObject({ code: 'no_sequence' })
})

it('tells nobody which endpoints there are', async () => {
  await using host = await startHost()
  await using server = await serveEvents(host)
  const mine = await pullEndpoint(host)
  const other = await pullEndpoint(host, { tenantId: 2 })
  const missing = uniqueId('ep_', Date.now())
  const seen = []
  for (const id of [
    other.endpoint.id,
    missing,
    'ep_',
    encodeURIComponent("ep_' or 1=1"),
    `%65${mine.endpoint.id.slice(1)}`,
  ]) {
    const { status, problem, headers } = await server.read(id, mine.key)
    seen.push(JSON.stringify([status, problem, headers.get('cache-control')]))
  }
  expect([new Set(seen).size, JSON.parse(seen[0] as string)[0]]).toEqual([1, 404])

  const refused = []
  for (const id of [mine.endpoint.id, other.endpoint.id, missing]) {
    for (const key of [`whk_${'A'.repeat(43)}`, mine.secret, 'nonsense']) {
      const { status, problem, headers } = await server.read(id, key)
      refused.push(JSON.stringify([status, problem, headers.get('www-authenticate')]))
    }
  }
  expect([new Set(refused).size, JSON.parse(refused[0] as string)[0]]).toEqual([1, 401])
  expect((await server.read(mine.endpoint.id, undefined)).problem.code).toBe('unauthorized')

  // What an endpoint was is gone with it.
  await host.sender.endpoints.delete(mine.endpoint.id)
  expect((await server.read(mine.endpoint.id, mine.key)).status).toBe(401)
  expect(await host.run(`select id from xe_webhook_api_key where id = '${mine.keyId}'`)).toEqual([])
})

it('gives nothing of an endpoint that a person disabled, and what one has missed that had failed', async () => {
  await using host = await startHost()
  await using server = await serveEvents(host)
  const { endpoint, key } = await pullEndpoint(host)
  await raise(host, 1)
  await host.sender.endpoints.disable(endpoint.id)
  const disabled = await server.read(endpoint.id, key)
  expect([disabled.status, disabled.problem.code]).toEqual([403, 'endpoint_disabled'])
  await host.run(`update xe_webhook_endpoint set disabled_reason = 'failing'`)
  expect(numbersOf(await server.read(endpoint.id, key))).toEqual([1])
})

it('refuses what it cannot use, by name', async () => {
  await using host = await startHost()
  await using server = await serveEvents(host)
  const { endpoint, key } = await pullEndpoint(host)
  const cases = [
    ['after=-1', 'after', '"-1"'],
    ['after=0x1', 'after', '"0x1"'],
    ['after=', 'after', '""'],
    ['after=99999999999999999', 'after', '"99999999999999999"'],
    ['limit=0', 'limit', '1 to 250'],
    ['limit=251', 'limit', '"251"'],
    ['wait=31', 'wait', '0 to 30'],
    ['wait=1.5', 'wait', '"1.5"'],
    ['wait=1&wait=2', 'wait', 'once'],
    ['cursor=1', 'cursor', 'known are after, limit, wait'],
  ]
  for (const [query, field, part] of cases) {
    const { status, problem, headers } = await server.read(endpoint.id, key, query)
    expect([query, status, problem.field]).toEqual([query, 400, field])
    expect(problem.detail).toContain(part)
    expect(headers.get('content-type')).toBe('application/problem+json')
  }
})

it('knows GET, HEAD and OPTIONS', async () => {
  await using host = await startHost()
  await using server = await serveEvents(host)
  const { endpoint, key } = await pullEndpoint(host)
  const headers = { authorization: `Bearer ${key}` }
  const call = (method: string) => server.read(endpoint.id, key, 'wait=30', { method, headers })
  expect(await call('HEAD')).toMatchObject({ status: 200, page: undefined })
  const options = await call('OPTIONS')
  expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
  for (const method of ['POST', 'DELETE', 'PATCH']) {
    const { status, headers: given } = await call(method)
    expect([method, status, given.get('allow')]).toEqual([method, 405, 'GET, HEAD, OPTIONS'])
  }
  const elsewhere = await fetch(`${server.url}/endpoints/${endpoint.id}`, { headers })
  expect(elsewhere.status).toBe(404)
})

it('limits the requests of a key, and of keys that are not valid, in front of the database', async () => {
  const clock = manualClock()
  await using host = await openHost()
  await using server = await serveEvents(host, {
    clock,
    rateLimit: { limit: 3, perSeconds: 6 },
    invalidKeyLimit: { limit: 20, perSeconds: 60 },
  })
  const mine = await pullEndpoint(host)
  const other = await pullEndpoint(host)
  // The first one is not known yet.
  const statuses = []
  for (let count = 0; count < 5; count++)
    statuses.push((await server.read(mine.endpoint.id, mine.key)).status)
  expect(statuses).toEqual([200, 200, 200, 200, 429])
  const refused = await server.read(mine.endpoint.id, mine.key)
  expect([refused.problem.code, refused.headers.get('retry-after')]).toEqual(['too_many_requests', '2'])
  expect((await server.read(other.endpoint.id, other.key)).status).toBe(200)
  clock.jump(2_000)
  expect((await server.read(mine.endpoint.id, mine.key)).status).toBe(200)

  const guesses = new Map<number, number>()
  for (let count = 0; count < 25; count++) {
    const { status } = await server.read(mine.endpoint.id, `whk_${String(count).padStart(43, '0')}`)
    guesses.set(status, (guesses.get(status) ?? 0) + 1)
  }
  expect(guesses.get(401)).toBe(20)
  expect(guesses.get(429)).toBe(5)
  expect((await server.read(other.endpoint.id, other.key)).status).toBe(200)
})
