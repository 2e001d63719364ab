import { expect, it } from 'vitest'
import type { PortalUser } from '../../src/authorize.ts'
import { adapters } from '../adapter-servers.ts'
import { openSender } from '../open-sender.ts'

const MANAGER: PortalUser = { tenantId: 1, role: 'manager' }
const userOf = (header: string | undefined) => (header === 'Bearer right' ? MANAGER : undefined)
const secret = 'a secret that is long enough to be one'

it.each(Object.entries(adapters))(
  'says how to authenticate, and has nothing kept that is for somebody (%s)',
  async (_, start) => {
    await using opened = await openSender()
    const signIn = { secret, userOf: (token: string) => userOf(`Bearer ${token}`) }
    await using server = await start({ ...opened, signIn, challenge: 'Bearer realm="webhooks"' }, userOf)
    const api = `${server.url}/api`
    const missing = await fetch(`${api}/endpoints`)
    expect(missing.status).toBe(401)
    expect(missing.headers.get('www-authenticate')).toBe('Bearer realm="webhooks"')
    expect(await missing.json()).toMatchObject({
      code: 'unauthorized',
      detail: expect.stringMatching(/Authorization: Bearer.*POST \/portal\/api\/session/),
    })
    const headers = { authorization: 'Bearer right', 'content-type': 'application/json' }
    for (const [path, init] of [
      ['endpoints', {}],
      ['endpoints', { headers }],
      ['endpoints', { headers, method: 'POST', body: '[]' }],
      ['endpoints/ep_x', { headers }],
      ['session', {}],
      ['session', { method: 'DELETE' }],
      ['session', { method: 'POST', headers, body: '{"token":"right"}' }],
      ['session', { method: 'POST', headers, body: '{"token":"wrong"}' }],
      ['nowhere', { headers }],
      ['../nowhere', { headers }],
    ] as const) {
      const answer = await fetch(`${api}/${path}`, init)
      expect(answer.headers.get('cache-control'), `${path} ${answer.status}`).toBe('no-store')
      if (answer.status === 401) expect(answer.headers.has('www-authenticate')).toBe(true)
      await answer.text()
    }
  },
)
