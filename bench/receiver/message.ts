import { createHmac, createSecretKey } from 'node:crypto'
import { createSigner, generateSecret } from '@x/signature'
import { Stripe } from 'stripe'

/** One webhook as it arrives: bytes and headers, signed for each of the libraries. */
export interface SignedMessage {
  readonly body: Buffer
  readonly secret: string
  readonly key: ReturnType<typeof createSecretKey>
  readonly head: string
  readonly digest: Buffer
  readonly headers: Record<string, string>
  readonly gitHubSignature: string
  readonly stripeSignature: string
}

/** A body in the sender's format, of about so many bytes. */
function bodyOf(bytes: number): Buffer {
  const rowOf = (id: number) => ({ fileId: id, name: `report ${id}.pdf`, size: id * 1_000, isDeleted: false })
  const data = { tenantId: 1, siteId: 7, siteKey: '1:7', entityName: 'File', entityId: 12, action: 'Update' }
  const envelope = { type: 'File.Update', timestamp: '2026-11-24T08:00:00.000Z', data }
  const row = JSON.stringify(rowOf(100)).length + 1
  const missing = bytes - JSON.stringify(envelope).length
  const entity = Array.from({ length: Math.max(0, Math.floor(missing / row)) }, (_, id) => rowOf(id + 100))
  return Buffer.from(JSON.stringify({ ...envelope, data: { ...data, entity } }))
}

/** Signs a body of about so many bytes, a moment ago. */
export async function signedMessage(bytes: number): Promise<SignedMessage> {
  const body = bodyOf(bytes)
  const secret = generateSecret()
  const key = createSecretKey(secret.slice('whsec_'.length), 'base64')
  const id = 'evt_01939f3c-7c9b-7d3e-8f7a-2f7f5a1c9d10'
  const timestamp = Math.floor(Date.now() / 1_000)
  const head = `${id}.${timestamp}.`
  const signature = await createSigner(secret).sign({ id, timestamp, body })
  const stripe = new Stripe('sk_test_0')
  return {
    body,
    secret,
    key,
    head,
    digest: createHmac('sha256', key).update(head).update(body).digest(),
    headers: {
      host: 'consumer.example',
      'user-agent': 'x-events/1.0',
      'content-type': 'application/json',
      'content-length': String(body.length),
      accept: '*/*',
      'accept-encoding': 'gzip, deflate, br',
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-proto': 'https',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature,
    },
    gitHubSignature: `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    stripeSignature: stripe.webhooks.generateTestHeaderString({ payload: body.toString(), secret }),
  }
}
