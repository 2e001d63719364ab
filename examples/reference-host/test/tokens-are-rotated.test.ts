import { temporaryFolder } from '@x/testkit'
import { expect, it, vi } from 'vitest'
import { onEachDatabase } from './each-database.ts'
import { jsonOf, openTestHost } from './open-test-host.ts'
import { startMain } from './start-main.ts'

interface NewToken {
  readonly tokenId: number
  readonly token: string
}

// Hosts in processes of their own take long to start where much else is going on.
vi.setConfig({ testTimeout: 240_000 })

onEachDatabase('goes on with the old token until the overlap ends, and shows no token twice', async () => {
  await using host = await openTestHost()
  const old = host.host.adminToken
  const answer = await host.send('/api/Token/rotate', { body: { overlapSeconds: 3_600 } })
  const { token } = await jsonOf<NewToken>(answer)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  for (const good of [old, token]) expect((await host.send('/api/User', { token: good })).status).toBe(200)

  const listed = await (await host.send('/api/Token')).text()
  const tokens = JSON.parse(listed) as { expiresOn: string | null }[]
  expect(tokens.map(({ expiresOn }) => expiresOn)).toEqual([expect.any(String), null])
  expect(Math.abs(Date.parse(tokens[0]?.expiresOn ?? '') - Date.now() - 3_600_000)).toBeLessThan(60_000)
  expect(listed).not.toMatch(/hash/i)
  for (const secret of [old, token]) expect(listed).not.toContain(secret)

  const next = await jsonOf<NewToken>(host.send('/api/Token/rotate', { token, body: { overlapSeconds: 0 } }))
  for (const ended of [old, token]) expect((await host.send('/api/User', { token: ended })).status).toBe(401)
  expect((await host.send('/api/User', { token: next.token })).status).toBe(200)
})

it('has tokens of several names, each ended alone, and those of a tenant only', async () => {
  await using host = await openTestHost()
  const second = await host.addTenant('second.test')
  const { token, tokenId } = await jsonOf<NewToken>(host.send('/api/Token', { body: { name: 'import' } }))
  expect((await host.send('/api/User', { token })).status).toBe(200)
  expect((await host.send('/api/Token', { body: { name: 'import' } })).status).toBe(409)
  expect((await host.send('/api/Token/rotate', { body: { name: 'nobody' } })).status).toBe(404)

  const { token: theirs, hostName } = second
  expect(await jsonOf(host.send('/api/Token', { token: theirs, hostName }))).toHaveLength(1)
  const path = `/api/Token/${tokenId}`
  expect((await host.send(path, { token: theirs, hostName, method: 'DELETE' })).status).toBe(404)
  expect((await host.send('/api/User', { token })).status).toBe(200)
  expect((await host.send(path, { method: 'DELETE' })).status).toBe(204)
  expect((await host.send('/api/User', { token })).status).toBe(401)
  expect((await host.send('/api/User')).status).toBe(200)
  expect((await host.send('/api/Token', { token: undefined })).status).toBe(401)
})

it('does not revive at a restart the token that was rotated', async () => {
  await using folder = await temporaryFolder()
  const env = { HOST_DATA_DIR: folder.path, ADMIN_TOKEN: 'the-first-admin-token' }
  const status = async (url: string, token: string) =>
    (await fetch(`${url}/api/User`, { headers: { authorization: `Bearer ${token}` } })).status
  let rotated = ''
  {
    await using host = startMain(env)
    const url = await host.ready()
    const headers = { authorization: 'Bearer the-first-admin-token', 'content-type': 'application/json' }
    const body = JSON.stringify({ overlapSeconds: 0 })
    const answer = await fetch(`${url}/api/Token/rotate`, { method: 'POST', headers, body })
    rotated = (await jsonOf<NewToken>(answer)).token
  }
  await using host = startMain(env)
  const url = await host.ready()
  expect([await status(url, 'the-first-admin-token'), await status(url, rotated)]).toEqual([401, 200])
})

it('stops listening to who keeps sending tokens that are not valid', async () => {
  await using host = await openTestHost()
  expect((await host.send('/api/User')).status).toBe(200)
  const statuses: number[] = []
  for (let guess = 0; guess < 62; guess += 1) {
    statuses.push((await host.send('/api/Page', { token: `guess-${guess}` })).status)
  }
  expect(statuses.slice(0, 60)).toEqual(Array.from({ length: 60 }, () => 401))
  expect(statuses.slice(60)).toEqual([429, 429])
  // Who has shown a right one before is not kept out by whoever guesses from the same address.
  expect((await host.send('/api/User')).status).toBe(200)
})
