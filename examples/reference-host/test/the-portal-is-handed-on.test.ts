import { expect, it } from 'vitest'
import { jsonOf, openTestHost } from './open-test-host.ts'

it('makes links into the portal for administrators, each for its own tenant', async () => {
  await using host = await openTestHost()
  const second = await host.addTenant('second.test')
  const { token, hostName } = second
  const answer = await host.send('/api/PortalLink', { token, hostName, body: { role: 'viewer' } })
  expect(answer.status).toBe(201)
  const { url } = await jsonOf<{ url: string }>(answer)
  expect(url).toMatch(/^http:\/\/second\.test\/portal\/#link=/)
  const link = url.split('#link=')[1]
  const opened = await jsonOf<{ token: string }>(
    host.send('/portal/api/session/link', { token: undefined, hostName, body: { link } }),
  )
  const headers = { authorization: `PortalSession ${opened.token}` }
  const session = await host.send('/portal/api/session', { token: undefined, hostName, headers })
  expect(await session.json()).toMatchObject({ user: { tenantId: second.tenantId, role: 'viewer' } })
  const again = await host.send('/portal/api/session/link', { token: undefined, hostName, body: { link } })
  expect(again.status).toBe(401)

  for (const [body, status] of [
    [{ role: 'operator' }, 400],
    [{ returnUrl: 'javascript:alert(1)' }, 400],
    [{}, 201],
  ] as const) {
    expect((await host.send('/api/PortalLink', { body })).status).toBe(status)
  }
  expect((await host.send('/api/PortalLink', { token: undefined, body: {} })).status).toBe(401)
})
