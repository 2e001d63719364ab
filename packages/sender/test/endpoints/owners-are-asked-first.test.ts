import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import { createReceiver, generateSecret, type Receiver } from '@x/receiver'
import { webhook } from '@x/receiver/node'
import { type Answer, type ReceivedRequest, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { openHost, site, startHost } from '../open-host.ts'

/** A consumer that does what the receiver's guide says, and no more. */
async function receiverServer(receiver: Receiver) {
  const types: string[] = []
  receiver.on('*', (event) => types.push(event.type))
  const server = createServer(webhook(receiver))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}/hook`,
    types,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const raise = (host: Awaited<ReturnType<typeof openHost>>) =>
  host.engine.syncManager.addSyncEvent(site, 'Page', 1, 'Update')

it('sends an endpoint nothing until its receiver has answered the challenge', async () => {
  let secrets: string[] = []
  await using host = await startHost({ verifyOwnership: true })
  await using consumer = await receiverServer(createReceiver({ secrets: () => secrets }))
  const { endpoints } = host.sender
  const { endpoint, secret } = await endpoints.create({
    tenantId: 1,
    url: consumer.url,
    verifyOwnership: false,
  })
  expect(endpoint).toMatchObject({ ownership: 'pending', enabled: false, disabledReason: 'unverified' })
  expect(endpoint.disabledOn).toBeInstanceOf(Date)
  await raise(host)
  await host.sender.drain()

  await expect(endpoints.enable(endpoint.id)).rejects.toMatchObject({ code: 'ownership_not_proved' })
  await expect(endpoints.verify(endpoint.id)).rejects.toMatchObject({
    code: 'ownership_not_proved',
    message: expect.stringContaining('401'),
  })
  await expect(endpoints.verify(endpoint.id, { tenantId: 2 })).rejects.toMatchObject({
    code: 'endpoint_not_found',
  })
  secrets = [secret]
  const verified = await endpoints.verify(endpoint.id)
  expect(verified).toMatchObject({ ownership: 'verified', enabled: true })
  expect(verified.disabledReason).toBeUndefined()
  expect(verified.disabledOn).toBeUndefined()
  expect(consumer.types).toEqual([])
  await raise(host)
  await waitFor(() => consumer.types.length > 0, 'the webhook')
  await host.sender.drain()
  expect(consumer.types).toEqual(['Page.Update'])
})

it('challenges at once an endpoint whose secret was given, before the sender runs', async () => {
  await using host = await openHost()
  const secret = generateSecret()
  await using consumer = await receiverServer(createReceiver({ secrets: secret }))
  const { create } = host.sender.endpoints
  const input = { tenantId: 1, url: consumer.url, secret }
  const { endpoint } = await create({ ...input, verifyOwnership: true })
  expect(endpoint).toMatchObject({ ownership: 'verified', enabled: true })
  const { endpoint: other } = await create({ ...input, secret: generateSecret(), verifyOwnership: true })
  expect(other).toMatchObject({ ownership: 'pending', enabled: false })
  const { endpoint: trusted } = await create(input)
  expect(trusted).toMatchObject({ enabled: true })
  expect(trusted.ownership).toBeUndefined()
})

it('takes the token alone from a consumer that holds but a public key', async () => {
  let secrets: string[] = []
  await using host = await openHost()
  await using consumer = await receiverServer(createReceiver({ secrets: () => secrets }))
  const { create, verify } = host.sender.endpoints
  const input = { tenantId: 1, url: consumer.url, signature: 'ed25519' as const, verifyOwnership: true }
  const { endpoint, secret } = await create(input)
  await expect(verify(endpoint.id)).rejects.toMatchObject({ code: 'ownership_not_proved' })
  secrets = [secret]
  expect(await verify(endpoint.id)).toMatchObject({ ownership: 'verified', enabled: true })
})

type Reply = (request: ReceivedRequest, secret: string) => number | Answer
const tokenOf = ({ rawBody }: ReceivedRequest) => JSON.parse(String(rawBody)).data.entity.token as string
const json = (body: unknown, status = 200): Answer => ({ status, body: JSON.stringify(body) })
/** As the documentation has it, with nothing but a hash function. */
const signed: Reply = (request, secret) => {
  const { headers } = request
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.Webhook.Challenge.${tokenOf(request)}`
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  return json({
    token: tokenOf(request),
    signature: `v1,${createHmac('sha256', key).update(content).digest('base64')}`,
  })
}

it.each<[string, Reply, string | undefined]>([
  ['a signature of its own making', signed, undefined],
  ['what it was sent', ({ rawBody }) => ({ status: 200, body: String(rawBody) }), 'without the token'],
  ['the token without a signature', (request) => json({ token: tokenOf(request) }), 'without a signature'],
  [
    'the token and the signature of the request',
    (request) => json({ token: tokenOf(request), signature: request.headers['webhook-signature'] }),
    'without a signature',
  ],
  ['a signature with another secret', (request) => signed(request, generateSecret()), 'without a signature'],
  ['nothing', () => 204, 'without the token'],
  ['a page', () => ({ status: 200, body: '<html>' }), 'without the token'],
  [
    'the right thing, and an error',
    (request, secret) => ({ ...(signed(request, secret) as Answer), status: 500 }),
    '500',
  ],
  ['a redirect', () => ({ status: 302, headers: { location: '/' } }), '302'],
])('is answered with %s', async (_what, reply, problem) => {
  await using host = await openHost()
  await using consumer = await testConsumer()
  const { create, verify, get } = host.sender.endpoints
  const { endpoint, secret } = await create({
    tenantId: 1,
    url: consumer.url,
    headers: { authorization: 'Bearer abc' },
    verifyOwnership: true,
  })
  consumer.answer((request) => reply(request, secret))
  const verifying = verify(endpoint.id)
  if (problem === undefined) await verifying
  else await expect(verifying).rejects.toThrow(problem)
  expect((await get(endpoint.id)).ownership).toBe(problem === undefined ? 'verified' : 'pending')
  const [request] = consumer.requests
  expect(request?.headers).toMatchObject({ 'user-agent': 'x-events-webhooks', authorization: 'Bearer abc' })
  expect(JSON.parse(String(request?.rawBody))).toMatchObject({
    type: 'Webhook.Challenge',
    data: { tenantId: 1 },
  })
})

it('goes nowhere that webhooks may not go, and gives up in time', async () => {
  await using host = await openHost({ timeoutMs: 3_000 })
  await using consumer = await testConsumer()
  const { create } = host.sender.endpoints
  const { endpoint } = await create({ tenantId: 1, url: consumer.url, verifyOwnership: true })
  consumer.answer(() => new Promise(() => {}))
  await expect(host.sender.endpoints.verify(endpoint.id)).rejects.toThrow('timeout')
  await using strict = await host.openAnother({ network: {} })
  await expect(strict.sender.endpoints.verify(endpoint.id)).rejects.toThrow('forbidden_address')
  expect(consumer.requests).toHaveLength(1)
})

it('asks again when the URL changes, and leaves what a person has disabled so', async () => {
  const secret = generateSecret()
  await using host = await startHost({ verifyOwnership: true })
  await using first = await receiverServer(createReceiver({ secrets: secret }))
  await using stranger = await testConsumer()
  const { create, update, verify, disable, enable } = host.sender.endpoints
  const { endpoint } = await create({ tenantId: 1, url: first.url, secret })
  expect(await update(endpoint.id, { description: 'ours' })).toMatchObject({
    ownership: 'verified',
    enabled: true,
  })
  const moved = await update(endpoint.id, { url: stranger.url })
  expect(moved).toMatchObject({ ownership: 'pending', enabled: false, disabledReason: 'unverified' })
  await raise(host)
  await host.sender.drain()
  expect(stranger.requests.map(({ rawBody }) => JSON.parse(String(rawBody)).type)).toEqual([
    'Webhook.Challenge',
  ])

  const back = await update(endpoint.id, { url: first.url })
  expect(back).toMatchObject({ ownership: 'verified', enabled: true })

  await disable(endpoint.id)
  const disabled = await update(endpoint.id, { url: stranger.url })
  expect(disabled).toMatchObject({ ownership: 'pending', enabled: false, disabledReason: 'manual' })
  await update(endpoint.id, { url: `${first.url}?again` })
  expect(await verify(endpoint.id)).toMatchObject({
    ownership: 'verified',
    enabled: false,
    disabledReason: 'manual',
  })
  expect(await enable(endpoint.id)).toMatchObject({ ownership: 'verified', enabled: true })
})
