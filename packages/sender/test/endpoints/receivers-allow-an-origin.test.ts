import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createReceiver, type HandshakeOptions } from '@x/receiver'
import { webhook } from '@x/receiver/node'
import { type Answer, testConsumer, waitFor } from '@x/testkit'
import { expect } from 'vitest'
import { it } from '../each-database.ts'
import { openHost, site, startHost } from '../open-host.ts'

const webhookOrigin = 'events.host.example'

async function receiverServer(handshake: HandshakeOptions | undefined) {
  const secrets: string[] = []
  const receiver = createReceiver({ secrets: () => secrets, handshake, answerChallenges: false })
  const origins: unknown[] = []
  receiver.on('Page.Update', (_event, { headers }) => origins.push(headers.get('webhook-request-origin')))
  const server = createServer(webhook(receiver)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?a=1`,
    secrets,
    origins,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

it('takes the word of a receiver that answers no challenge and allows this system', async () => {
  await using host = await startHost({ verifyOwnership: true, webhookOrigin })
  await using consumer = await receiverServer({ origins: [webhookOrigin] })
  const { endpoints } = host.sender
  const { endpoint, secret } = await endpoints.create({ tenantId: 1, url: consumer.url })
  expect(endpoint).toMatchObject({ ownership: 'pending', enabled: false })
  expect(await endpoints.verify(endpoint.id)).toMatchObject({ ownership: 'verified', enabled: true })
  consumer.secrets.push(secret)
  await host.engine.syncManager.addSyncEvent(site, 'Page', 1, 'Update')
  await waitFor(() => consumer.origins.length > 0, 'the webhook')
  expect(consumer.origins).toEqual([webhookOrigin])
})

it.each([
  ['allows others', { origins: ['other.example'] }],
  ['allows nobody', undefined],
])('sends nothing to a receiver that %s', async (_what, handshake) => {
  await using host = await openHost({ verifyOwnership: true, webhookOrigin })
  await using consumer = await receiverServer(handshake)
  const { endpoint } = await host.sender.endpoints.create({ tenantId: 1, url: consumer.url })
  await expect(host.sender.endpoints.verify(endpoint.id)).rejects.toMatchObject({
    code: 'ownership_not_proved',
    message: expect.stringContaining('does not allow events.host.example'),
  })
})

it.each<[string, Answer | number, boolean]>([
  ['all origins, whatever the status', { status: 404, headers: { 'webhook-allowed-origin': '*' } }, true],
  [
    'the name in other letters',
    { status: 200, headers: { 'webhook-allowed-origin': 'Events.Host.Example' } },
    true,
  ],
  ['OPTIONS with 200 and nothing more', 200, false],
  ['part of the name', { status: 200, headers: { 'webhook-allowed-origin': 'host.example' } }, false],
  ['several names', { status: 200, headers: { 'webhook-allowed-origin': `${webhookOrigin}, *` } }, false],
])('reads %s', async (_what, answer, isAllowed) => {
  await using host = await openHost({ webhookOrigin })
  await using consumer = await testConsumer()
  consumer.answer(({ method }) => (method === 'OPTIONS' ? answer : 405))
  const { create, verify } = host.sender.endpoints
  const { endpoint } = await create({ tenantId: 1, url: consumer.url, verifyOwnership: true })
  const outcome = verify(endpoint.id).then(
    ({ ownership }) => ownership,
    ({ code }: { code: string }) => code,
  )
  expect(await outcome).toBe(isAllowed ? 'verified' : 'ownership_not_proved')
  const [, asked] = consumer.requests
  expect(asked).toMatchObject({ method: 'OPTIONS', headers: { 'webhook-request-origin': webhookOrigin } })
  expect(asked?.headers['webhook-signature']).toBeUndefined()
})

it('asks by OPTIONS only where it has a name', async () => {
  await using host = await openHost()
  await using consumer = await testConsumer()
  consumer.answer(() => ({ status: 405, headers: { 'webhook-allowed-origin': '*' } }))
  const { create, verify } = host.sender.endpoints
  const { endpoint } = await create({ tenantId: 1, url: consumer.url, verifyOwnership: true })
  await expect(verify(endpoint.id)).rejects.toMatchObject({ code: 'ownership_not_proved' })
  expect(consumer.requests.map(({ method }) => method)).toEqual(['POST'])
  expect(consumer.requests[0]?.headers['webhook-request-origin']).toBeUndefined()
})

it('names the option that is wrong', async () => {
  for (const wrong of ['', 'a b', 'https://host.example', 'host.example\r\nx: y', 42]) {
    await expect(openHost({ webhookOrigin: wrong as never })).rejects.toThrow('webhookOrigin')
  }
})
