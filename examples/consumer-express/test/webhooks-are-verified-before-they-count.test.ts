import { generateSecret } from '@x/receiver'
import { signedHeaders } from '@x/receiver/testing'
import { waitFor } from '@x/testkit'
import { expect, it } from 'vitest'
import { runConsumer, startConsumer } from './start-consumer.ts'

const secret = generateSecret()
const body = JSON.stringify({
  type: 'File.Download',
  timestamp: '2026-01-01T00:00:00.000Z',
  data: {
    tenantId: 1,
    siteId: 1,
    siteKey: '1:1',
    entityName: 'File',
    entityId: 7,
    action: 'Download',
    entity: { fileId: 7, name: 'a.txt', size: 1 },
  },
})

function post(url: string, headers: Record<string, string>, content = body): Promise<Response> {
  return fetch(url, { method: 'POST', headers, body: content })
}

it('prints the event of a webhook that was signed with its secret', async () => {
  await using consumer = await startConsumer({ WEBHOOK_SECRET: secret })
  const answer = await post(consumer.url, signedHeaders({ secret, body, id: 'evt_1' }))
  expect(answer.status).toBe(204)
  await waitFor(() => consumer.lines.length === 2, 'two lines')
  expect(consumer.lines).toEqual(['received evt_1 File.Download File 7', 'downloaded a.txt'])
})

it('refuses what is forged, changed or old, and says why', async () => {
  await using consumer = await startConsumer({ WEBHOOK_SECRET: secret })
  const signed = signedHeaders({ secret, body })
  const old = signedHeaders({ secret, body, timestamp: new Date(Date.now() - 600_000) })
  const forged = signedHeaders({ secret: generateSecret(), body })

  expect((await post(consumer.url, signed, body.replace('"entityId":7', '"entityId":8'))).status).toBe(401)
  expect((await post(consumer.url, old)).status).toBe(401)
  expect((await post(consumer.url, forged)).status).toBe(401)
  expect((await post(consumer.url, { 'content-type': 'application/json' })).status).toBe(401)

  await waitFor(() => consumer.lines.length === 4, 'four lines')
  expect(consumer.lines).toEqual([
    'refused no_matching_signature',
    'refused timestamp_too_old',
    'refused no_matching_signature',
    'refused missing_header',
  ])
})

it('acknowledges a repeated webhook without handling it again', async () => {
  await using consumer = await startConsumer({ WEBHOOK_SECRET: secret })
  const headers = signedHeaders({ secret, body, id: 'evt_1' })
  expect((await post(consumer.url, headers)).status).toBe(204)
  expect((await post(consumer.url, headers)).status).toBe(200)
  expect((await post(consumer.url, signedHeaders({ secret, body, id: 'evt_2' }))).status).toBe(204)
  await waitFor(() => consumer.lines.length === 4, 'four lines')
  expect(consumer.lines.filter((line) => line.startsWith('received'))).toEqual([
    'received evt_1 File.Download File 7',
    'received evt_2 File.Download File 7',
  ])
})

it('is unavailable once when the demo asks for it, and never otherwise', async () => {
  await using consumer = await startConsumer({ WEBHOOK_SECRET: secret, DEMO: '1' })
  const headers = signedHeaders({ secret, body, id: 'evt_1' })
  expect((await post(new URL('/demo/fail-once', consumer.url).href, {})).status).toBe(204)
  expect((await post(consumer.url, headers)).status).toBe(503)
  expect((await post(consumer.url, headers)).status).toBe(204)

  await using plain = await startConsumer({ WEBHOOK_SECRET: secret })
  expect((await post(new URL('/demo/fail-once', plain.url).href, {})).status).toBe(404)
})

it('says what it needs when it has no secret', async () => {
  const { code, lines } = await runConsumer({})
  expect(code).toBe(1)
  expect(lines).toEqual(['Set WEBHOOK_SECRET to the secret of the endpoint: whsec_...'])
})
