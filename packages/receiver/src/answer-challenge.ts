import { createSigner, parseSecret, type VerifiedMessage } from '@x/signature'
import type { WebhookEvent } from './event-patterns.ts'
import type { ReceiverResponse } from './problem.ts'

const CHALLENGE = 'Webhook.Challenge'
const TOKEN = /^[\w-]{16,200}$/

/** The token of a challenge, by which a sender finds out who is at the URL; undefined for any other event. */
export function challengeOf({ type, data }: WebhookEvent): string | undefined {
  if (type !== CHALLENGE) return undefined
  const { entity } = Object(data) as { readonly entity?: unknown }
  const { token } = Object(entity) as { readonly token?: unknown }
  return typeof token === 'string' && TOKEN.test(token) ? token : undefined
}

/**
 * Answers a challenge that was verified: with its token, signed with the shared secret where there is one. What is
 * signed is no JSON, so that the signature is none of any event, whatever the token.
 */
export async function answerChallenge(
  token: string,
  { id, timestamp }: VerifiedMessage,
  secrets: readonly string[],
): Promise<ReceiverResponse> {
  const shared = secrets.filter((secret) => parseSecret(secret).kind === 'hmac')
  const body = new TextEncoder().encode(`${CHALLENGE}.${token}`)
  const signature = shared.length === 0 ? undefined : await createSigner(shared).sign({ id, timestamp, body })
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, signature }),
  }
}
