import { manualClock } from '@x/testkit'
import { expect, it } from 'vitest'
import type { PortalUser } from '../../src/authorize.ts'
import { createGuessLimit, createPortal, type PortalOptions, TooManyGuessesError } from '../../src/index.ts'
import { adapters } from '../adapter-servers.ts'
import { openSender } from '../open-sender.ts'

const ADA: PortalUser = { tenantId: 1, role: 'manager', name: 'Ada' }
const tokens = new Map([
  ['Bearer right', ADA],
  ['Bearer other', ADA],
])

async function openPortal(more: Partial<PortalOptions> = {}) {
  const opened = await openSender()
  let asked = 0
  const portal = createPortal({
    sender: opened.sender,
    guessLimit: createGuessLimit({ perClient: 3, total: 8 }),
    clientOf: (request) => request.headers.get('x-client') ?? undefined,
    authorize(request) {
      asked += 1
      return tokens.get(request.headers.get('authorization') ?? '')
    },
    signIn: {
      secret: 'a secret that is long enough to be one',
      userOf(token) {
        asked += 1
        return tokens.get(`Bearer ${token}`)
      },
    },
    ...more,
  })
  const get = (path: string, authorization: string, client = '192.0.2.1') =>
    portal.handle(
      new Request(`http://host.example/api/${path}`, { headers: { authorization, 'x-client': client } }),
    )
  const signIn = (token: string, client = '192.0.2.1') =>
    portal.handle(
      new Request('http://host.example/api/session', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-client': client },
        body: JSON.stringify({ token }),
      }),
    )
  return {
    get,
    signIn,
    asked: () => asked,
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
}

it('looks at no further token of a client that was wrong too often, on any route, also at right ones', async () => {
  await using portal = await openPortal()
  expect((await portal.get('session', 'Bearer wrong-1')).status).toBe(200)
  expect((await portal.get('endpoints', 'Bearer wrong-2')).status).toBe(401)
  expect((await portal.signIn('wrong-3')).status).toBe(401)
  const asked = portal.asked()
  for (const answer of [
    await portal.get('endpoints', 'Bearer wrong-4'),
    await portal.get('session', 'Bearer right'),
    await portal.get('nowhere', 'Bearer wrong-5'),
    await portal.get('events', 'Bearer wrong-6'),
    await portal.signIn('right'),
  ]) {
    expect(answer.status).toBe(429)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.json()).toMatchObject({ code: 'too_many_guesses', status: 429 })
  }
  // The sign-in asks authorize first, for what comes without a header.
  expect(portal.asked()).toBe(asked + 1)
  expect((await portal.get('endpoints', 'Bearer right', '192.0.2.2')).status).toBe(200)
})

it('lets who has shown a right credential before go on while others guess from the same address', async () => {
  await using portal = await openPortal()
  expect((await portal.get('endpoints', 'Bearer right')).status).toBe(200)
  for (let guess = 0; guess < 4; guess++) await portal.get('endpoints', `Bearer wrong-${guess}`)
  expect((await portal.get('endpoints', 'Bearer wrong')).status).toBe(429)
  expect((await portal.get('endpoints', 'Bearer right')).status).toBe(200)
  expect((await portal.get('endpoints', 'Bearer other')).status).toBe(429)
})

it('counts anew after a right credential, and once the window is over', async () => {
  const clock = manualClock()
  await using portal = await openPortal({ guessLimit: createGuessLimit({ perClient: 3, clock }) })
  const guess = async (token: string) => (await portal.get('endpoints', `Bearer ${token}`)).status
  expect([await guess('a'), await guess('b'), await guess('right'), await guess('c')]).toEqual([
    401, 401, 200, 401,
  ])
  expect([await guess('d'), await guess('e'), await guess('f')]).toEqual([401, 401, 429])
  await clock.advance(60_000)
  expect(await guess('g')).toBe(401)
})

it('limits all clients together, however many addresses they have', async () => {
  await using portal = await openPortal()
  const statuses: number[] = []
  for (let client = 0; client < 10; client++) {
    statuses.push((await portal.get('endpoints', 'Bearer wrong', `192.0.2.${client}`)).status)
  }
  expect(statuses).toEqual([...Array(8).fill(401), 429, 429])
})

it('takes a network of IPv6 for one client, and an address of IPv4 for itself in every spelling', async () => {
  await using portal = await openPortal()
  for (const client of ['2001:db8::1', '2001:db8:0:0:ffff::2', '2001:db8::3%eth0']) {
    expect((await portal.get('endpoints', 'Bearer wrong', client)).status).toBe(401)
  }
  expect((await portal.get('endpoints', 'Bearer wrong', '2001:db8::abcd')).status).toBe(429)
  expect((await portal.get('endpoints', 'Bearer wrong', '2001:db8:0:1::1')).status).toBe(401)
  for (const client of ['198.51.100.7', '::ffff:198.51.100.7', '::ffff:c633:6407']) {
    expect((await portal.get('endpoints', 'Bearer wrong', client)).status).toBe(401)
  }
  expect((await portal.get('endpoints', 'Bearer wrong', '198.51.100.7')).status).toBe(429)
})

it('looks at no more of many guesses at once than of as many one after the other', async () => {
  const limit = createGuessLimit({ perClient: 5 })
  let looks = 0
  const guesses = Array.from({ length: 50 }, async (_, number) =>
    limit
      .find({ client: '192.0.2.1', credential: `wrong-${number}` }, async () => {
        looks += 1
        await Promise.resolve()
        return undefined
      })
      .catch((error: unknown) => error),
  )
  const found = await Promise.all(guesses)
  expect(looks).toBe(5)
  expect(found.filter((one) => one instanceof TooManyGuessesError)).toHaveLength(45)
})

it('takes many requests at once with one right credential for what they are', async () => {
  const limit = createGuessLimit({ perClient: 5 })
  const all = Array.from({ length: 50 }, () =>
    limit.find({ client: '192.0.2.1', credential: 'right' }, async () => 'Ada'),
  )
  expect(new Set(await Promise.all(all))).toEqual(new Set(['Ada']))
})

it('counts nothing where nobody could be asked', async () => {
  const limit = createGuessLimit({ perClient: 1 })
  const away = () => Promise.reject(new Error('The database is away.'))
  for (let time = 0; time < 3; time++) {
    await expect(limit.find({ client: 'a', credential: 'x' }, away)).rejects.toThrow('away')
  }
  await expect(limit.find({ client: 'a', credential: 'x' }, async () => undefined)).resolves.toBeUndefined()
})

it('counts a credential as wrong that was right before and ended', async () => {
  const limit = createGuessLimit({ perClient: 1 })
  const guess = { client: 'a', credential: 'x' }
  expect(await limit.find(guess, async () => 'Ada')).toBe('Ada')
  expect(await limit.find(guess, async () => undefined)).toBeUndefined()
  await expect(limit.find(guess, async () => undefined)).rejects.toThrow(TooManyGuessesError)
})

it.each([{ perClient: 0 }, { total: 1.5 }, { windowSeconds: Number.NaN }])(
  'refuses %j as a limit',
  (options) => {
    expect(() => createGuessLimit(options)).toThrow(RangeError)
  },
)

it.each(Object.entries(adapters))(
  'counts by the address that a request comes from in %s',
  async (_name, start) => {
    await using opened = await openSender()
    const guessLimit = createGuessLimit({ perClient: 2 })
    await using server = await start({ ...opened, guessLimit }, (given) => tokens.get(given ?? ''))
    const status = async (authorization: string) =>
      (await fetch(`${server.url}/api/endpoints`, { headers: { authorization } })).status
    expect([await status('Bearer a'), await status('Bearer b'), await status('Bearer c')]).toEqual([
      401, 401, 429,
    ])
  },
)
