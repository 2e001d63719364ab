import { expect, it } from 'vitest'
import { openTestHost } from './open-test-host.ts'

it('answers who guesses tokens at the sign-in of the portal with 429 after a while', async () => {
  await using host = await openTestHost()
  const signIn = async (token: string) =>
    (await host.send('/portal/api/session', { token: undefined, body: { token } })).status

  const right = host.host.adminToken
  const before = await signIn(right)
  const statuses: number[] = []
  for (let guess = 0; guess < 62; guess++) statuses.push(await signIn(`wrong-${guess}`))

  expect(before).toBeLessThan(300)
  expect(statuses.slice(0, 60)).toEqual(Array(60).fill(401))
  expect(statuses.slice(60)).toEqual([429, 429])
})
