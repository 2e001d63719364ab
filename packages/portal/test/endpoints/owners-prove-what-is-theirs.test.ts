import { type TestConsumer, testConsumer } from '@x/testkit'
import { expect, it } from 'vitest'
import { createPortal, type PortalUser } from '../../src/index.ts'
import { openSender } from '../open-sender.ts'

const MANAGER: PortalUser = { tenantId: 1, role: 'manager' }

async function openPortal() {
  const opened = await openSender({ sender: { verifyOwnership: true } })
  const portal = createPortal({ sender: opened.sender, authorize: () => MANAGER })
  async function call(method: string, path: string, body?: object) {
    const response = await portal.handle(
      new Request(`http://host/api${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
    )
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  return { ...opened, call }
}

/** Answers challenges of an endpoint with a key pair, which takes the token alone. */
function answerChallenges(consumer: TestConsumer): void {
  consumer.answer(({ rawBody }) => {
    const { type, data } = JSON.parse(rawBody.toString()) as {
      type: string
      data: { entity?: { token: string } }
    }
    return type === 'Webhook.Challenge'
      ? { status: 200, body: JSON.stringify({ token: data.entity?.token }) }
      : { status: 204 }
  })
}

it('tells what an endpoint waits for, and lets it receive once its owner has answered', async () => {
  await using portal = await openPortal()
  await using consumer = await testConsumer()
  const { call } = portal
  expect(await call('GET', '/session')).toMatchObject({ body: { verifiesOwnership: true } })
  const created = await call('POST', '/endpoints', {
    url: consumer.url,
    signature: 'ed25519',
    eventTypes: ['*'],
  })
  expect(created).toMatchObject({
    status: 201,
    body: { endpoint: { enabled: false, disabledReason: 'unverified', ownership: 'pending' } },
  })
  const { id } = created.body['endpoint'] as { id: string }
  const early = await call('POST', `/endpoints/${id}/enable`)
  expect(early).toMatchObject({ status: 409, body: { code: 'ownership_not_proved' } })

  consumer.answer(404)
  const refused = await call('POST', `/endpoints/${id}/verify`)
  expect(refused).toMatchObject({ status: 409, body: { code: 'ownership_not_proved' } })
  expect(refused.body['detail']).toMatch(/responded with 404/)
  for (const { body } of [early, refused]) expect(body['detail']).not.toMatch(/\w\(\)|options\./)

  answerChallenges(consumer)
  expect(await call('POST', `/endpoints/${id}/verify`)).toMatchObject({
    status: 200,
    body: { enabled: true, ownership: 'verified' },
  })
  expect((await call('POST', `/endpoints/${id}/disable`)).status).toBe(200)
  expect(await call('POST', `/endpoints/${id}/enable`)).toMatchObject({
    status: 200,
    body: { enabled: true },
  })
})

it('takes what an endpoint can be made of: proof of ownership, a certificate, a site', async () => {
  await using portal = await openPortal()
  const { call } = portal
  const url = 'https://127.0.0.1:9999/'
  expect(
    await call('POST', '/endpoints', { url, verifyOwnership: true, siteId: 7, eventTypes: ['*'] }),
  ).toMatchObject({ status: 201, body: { endpoint: { ownership: 'pending', siteId: 7 } } })
  expect(await call('POST', '/endpoints', { url, verifyOwnership: 'yes' })).toMatchObject({
    status: 400,
    body: { field: 'verifyOwnership' },
  })
  expect(await call('POST', '/endpoints', { url, clientCertificate: { cert: 'x', key: 'y' } })).toMatchObject(
    {
      status: 400,
      body: { code: 'invalid_certificate', field: 'clientCertificate.cert' },
    },
  )
})
