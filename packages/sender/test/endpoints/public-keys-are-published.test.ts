import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createReceiver, jwks } from '@x/receiver'
import { webhook } from '@x/receiver/node'
import { fakeClock } from '@x/receiver/testing'
import { waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { uniqueId } from '../../src/ids.ts'
import { createKeysHandler } from '../../src/index.ts'
import { it } from '../each-database.ts'
import { openHost, site, startHost } from '../open-host.ts'

const urlOf = (id: string) => `https://host.example/.well-known/webhook-keys/${id}`
const input = { tenantId: 1, url: 'http://127.0.0.1:4999/hook', signature: 'ed25519' } as const

it('publishes the keys that sign for an endpoint, and no others', async () => {
  await using host = await openHost()
  const { endpoints } = host.sender
  const keys = createKeysHandler({ sender: host.sender })
  const read = async (id: string) => {
    const response = await keys.handle(new Request(urlOf(id)))
    const document = response.status === 200 ? await response.json() : undefined
    return {
      status: response.status,
      headers: response.headers,
      keys: (document as { keys: unknown[] })?.keys,
    }
  }
  const xOf = (publicKey: string) =>
    Buffer.from(publicKey.slice('whpk_'.length), 'base64').toString('base64url')

  const { endpoint, secret } = await endpoints.create(input)
  await endpoints.create(input)
  const first = await read(endpoint.id)
  expect(first.headers.get('content-type')).toBe('application/jwk-set+json')
  expect(first.headers.get('cache-control')).toBe('public, max-age=300')
  expect(first.keys).toEqual([
    { kty: 'OKP', crv: 'Ed25519', x: xOf(secret), use: 'sig', kid: expect.stringMatching(/^[\w-]{43}$/) },
  ])

  const { secret: next } = await endpoints.rotateSecret(endpoint.id, { overlapSeconds: 60 })
  expect((await read(endpoint.id)).keys).toMatchObject([{ x: xOf(next) }, { x: xOf(secret) }])
  await endpoints.rotateSecret(endpoint.id, { overlapSeconds: 0 })
  expect((await read(endpoint.id)).keys).toHaveLength(1)

  await endpoints.delete(endpoint.id)
  expect(await read(endpoint.id)).toMatchObject({ status: 404, keys: undefined })
})

it('publishes nothing of a secret that is shared, and does not tell that there is one', async () => {
  await using host = await openHost()
  const keys = createKeysHandler({ sender: host.sender })
  const { endpoint } = await host.sender.endpoints.create({ ...input, signature: 'hmac' })
  const unknown = endpoint.id.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
  const answers = []
  for (const id of [endpoint.id, unknown, '', 'ep_', "ep_' or 1=1", '%00', `${endpoint.id}/`]) {
    const { status, headers } = await keys.handle(new Request(urlOf(id)))
    answers.push([status, headers.get('cache-control')])
  }
  expect(new Set(answers.map(String))).toEqual(new Set(['404,no-store']))
})

it.each([
  ['GET', 200],
  ['HEAD', 200],
  ['POST', 405],
  ['DELETE', 405],
])('answers %s with %i', async (method, status) => {
  await using host = await openHost()
  const keys = createKeysHandler({ sender: host.sender, maxAgeSeconds: 60 })
  const { endpoint } = await host.sender.endpoints.create(input)
  const response = await keys.handle(new Request(urlOf(endpoint.id), { method }))
  expect(response.status).toBe(status)
  expect((await response.text()) !== '').toBe(method === 'GET')
})

it('gives RFC 8037, appendix A.3, its thumbprint', async () => {
  // The key of the RFC, as whpk_.
  const secret = 'whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='
  const sender = {
    endpoints: {
      get: async () => ({ signature: 'ed25519' }) as never,
      secrets: async () => [{ secret, createdOn: new Date() }],
    },
  }
  const request = new Request(urlOf(uniqueId('ep_', Date.now())))
  const response = await createKeysHandler({ sender }).handle(request)
  const { keys } = (await response.json()) as { keys: { kid: string; x: string }[] }
  expect(keys).toMatchObject([
    {
      kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    },
  ])
})

it('names the option that is wrong', () => {
  const sender = { endpoints: { get() {}, secrets() {} } } as never
  expect(() => createKeysHandler({ sender, maxAgeSeconds: -1 })).toThrow('maxAgeSeconds')
})

it('lets a key be replaced without its consumer doing anything', async () => {
  await using host = await startHost()
  const { endpoints } = host.sender
  const keys = createKeysHandler({ sender: host.sender })
  let endpointId = ''
  const clock = fakeClock()
  const publicKeys = jwks(urlOf('x'), { fetch: () => keys.handle(new Request(urlOf(endpointId))), clock })
  const receiver = createReceiver({ publicKeys })
  const seen: unknown[] = []
  receiver.on('Page.Update', (event) => seen.push(event.data.entityId))
  const server = createServer(webhook(receiver)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const { endpoint } = await endpoints.create({ ...input, url: `http://127.0.0.1:${port}/hook` })
  endpointId = endpoint.id

  const deliver = async (entityId: number) => {
    await host.engine.syncManager.addSyncEvent(site, 'Page', entityId, 'Update')
    await waitFor(() => seen.includes(entityId), `the webhook of ${entityId}`)
  }
  await deliver(1)
  clock.advance(30_000)
  // Without an overlap, the old key signs nothing more.
  await endpoints.rotateSecret(endpoint.id, { overlapSeconds: 0 })
  await deliver(2)
  await endpoints.rotateSecret(endpoint.id, { overlapSeconds: 60 })
  await deliver(3)
  expect(seen).toEqual([1, 2, 3])
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})
