import { createHmac } from 'node:crypto'

/**
 * Signs a body as the Standard Webhooks specification says, with none of this repository's code: what
 * the consumer makes of it is then no agreement among our own mistakes.
 */
export function signWebhook(
  secret: string,
  id: string,
  signedAt: Date,
  body: Buffer,
): Record<string, string> {
  const timestamp = String(Math.floor(signedAt.getTime() / 1_000))
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  }
}
