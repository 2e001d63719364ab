import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { openHost } from '../open-host.ts'

it('gives true to one of all that use a token, on any node', async () => {
  await using host = await openHost()
  await host.sender.migrate()
  await using other = await host.openAnother()
  const expiresOn = new Date(Date.now() + 60_000)
  const uses = [host, other, host, other].map(({ sender }) => sender.redeem('link_1', expiresOn))
  expect((await Promise.all(uses)).filter(Boolean)).toHaveLength(1)
  expect(await other.sender.redeem('link_2', expiresOn)).toBe(true)
})

it('forgets a token a day after it has expired', async () => {
  await using host = await openHost()
  await host.sender.migrate()
  const expiresOn = new Date(Date.now() - 25 * 3_600_000)
  expect(await host.sender.redeem('link_1', expiresOn)).toBe(true)
  expect(await host.sender.redeem('link_1', expiresOn)).toBe(true)
  for (const id of ['', 'x'.repeat(201), 7 as never]) {
    await expect(host.sender.redeem(id, expiresOn)).rejects.toMatchObject({
      code: 'invalid_argument',
      field: 'id',
    })
  }
  await expect(host.sender.redeem('link_1', new Date(Number.NaN))).rejects.toMatchObject({
    field: 'expiresOn',
  })
})

it('counts on every node how often the tokens of a scope were revoked', async () => {
  await using host = await openHost()
  await host.sender.migrate()
  await using other = await host.openAnother()
  expect(await other.sender.tokenEpoch('links:1')).toBe(0)
  await Promise.all([host, other].map(({ sender }) => sender.revokeTokens('links:1')))
  expect(await host.sender.tokenEpoch('links:1')).toBe(2)
  expect(await other.sender.tokenEpoch('links:2')).toBe(0)
  await expect(host.sender.revokeTokens('')).rejects.toMatchObject({
    code: 'invalid_argument',
    field: 'scope',
  })
})
