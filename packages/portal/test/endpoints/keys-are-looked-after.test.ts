import { expect, it } from 'vitest'
import { createPortal, type PortalUser } from '../../src/index.ts'
import { openSender } from '../open-sender.ts'

const USERS: Readonly<Record<string, PortalUser>> = {
  manager: { tenantId: 1, role: 'manager' },
  viewer: { tenantId: 1, role: 'viewer' },
}

async function openPortal() {
  const opened = await openSender()
  const authorize = (request: Request) => USERS[request.headers.get('authorization') ?? '']
  const portal = createPortal({ sender: opened.sender, authorize })
  async function call(method: string, path: string, body?: object, who = 'manager') {
    const response = await portal.handle(
      new Request(`http://host/api/endpoints${path}`, {
        method,
        headers: { authorization: who, ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
    )
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  return { ...opened, call }
}

it('creates an endpoint that is only read, with its keys', async () => {
  await using portal = await openPortal()
  const { call, sender } = portal
  const created = await call('POST', '', { eventTypes: ['File.*'], url: null })
  expect(created).toMatchObject({ status: 201, body: { endpoint: { sequence: true }, warnings: [] } })
  const { id } = created.body.endpoint
  expect('url' in created.body.endpoint).toBe(false)

  const first = await call('POST', `/${id}/keys`)
  expect(first).toMatchObject({ status: 201, body: { key: expect.stringMatching(/^whk_/) } })
  expect(await sender.endpoints.findByKey(first.body.key)).toMatchObject({ endpoint: { id } })
  const rotated = await call('POST', `/${id}/rotate-key`, { keyId: first.body.id, overlapSeconds: 60 })
  expect(rotated.status).toBe(201)
  const { body } = await call('GET', `/${id}/keys`)
  expect(body.items).toEqual([
    { id: rotated.body.id, prefix: rotated.body.key.slice(0, 12), createdOn: expect.any(String) },
    {
      id: first.body.id,
      prefix: first.body.key.slice(0, 12),
      createdOn: expect.any(String),
      lastUsedOn: expect.any(String),
      expiresOn: expect.any(String),
    },
  ])
  expect(await call('POST', `/${id}/revoke-key`, { keyId: first.body.id })).toEqual({
    status: 204,
    body: undefined,
  })
  expect(await sender.endpoints.findByKey(first.body.key)).toBeUndefined()
})

it('lets a viewer see no key', async () => {
  await using portal = await openPortal()
  const { call } = portal
  const { body } = await call('POST', '', { url: null })
  const { id } = body.endpoint
  expect((await call('GET', `/${id}`, undefined, 'viewer')).status).toBe(200)
  expect((await call('GET', `/${id}/keys`, undefined, 'viewer')).status).toBe(403)
})

it.each([
  ['keys', undefined, 409, 'no_sequence'],
  ['rotate-key', { keyId: 'key_1' }, 404, 'key_not_found'],
  ['rotate-key', {}, 404, 'key_not_found'],
  ['rotate-key', { keyId: 'key_1', overlapSeconds: -1 }, 400, 'invalid_argument'],
  ['revoke-key', { keyId: 5 }, 404, 'key_not_found'],
  ['revoke-key', { key: 'key_1' }, 400, 'unknown_field'],
  ['verify', {}, 409, 'ownership_not_proved'],
])('answers POST %s with %j by %i %s', async (path, body, status, code) => {
  await using portal = await openPortal()
  const created = await portal.call('POST', '', { url: 'http://127.0.0.1:9999/', eventTypes: ['*'] })
  const answer = await portal.call('POST', `/${created.body.endpoint.id}/${path}`, body)
  expect(answer).toMatchObject({ status, body: { code } })
})

it('tells where the host publishes the public keys of an endpoint', async () => {
  await using opened = await openSender()
  const { sender } = opened
  const authorize = () => ({ tenantId: 1, role: 'manager' }) as const
  const keysUrl = 'https://host.example/.well-known/webhook-keys'
  const keysUrlOf = async (id: string, options: { keysUrl?: string }) => {
    const portal = createPortal({ sender, authorize, ...options })
    const response = await portal.handle(new Request(`http://host/api/endpoints/${id}/secrets`))
    return ((await response.json()) as { keysUrl: string | null }).keysUrl
  }
  const input = { tenantId: 1, url: 'http://127.0.0.1:9999/' } as const
  const { endpoint } = await sender.endpoints.create({ ...input, signature: 'ed25519' })
  const { endpoint: shared } = await sender.endpoints.create(input)
  expect(await keysUrlOf(endpoint.id, { keysUrl: `${keysUrl}/` })).toBe(`${keysUrl}/${endpoint.id}`)
  expect(await keysUrlOf(endpoint.id, {})).toBeNull()
  expect(await keysUrlOf(shared.id, { keysUrl })).toBeNull()
  expect(() => createPortal({ sender, authorize, keysUrl: '/keys' })).toThrow(/keysUrl must be where/)
})
