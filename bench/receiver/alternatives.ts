import { createHmac, timingSafeEqual } from 'node:crypto'
import { verify as verifyGitHub } from '@octokit/webhooks-methods'
import { createReceiver } from '@x/receiver'
import { createVerifier } from '@x/signature'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Stripe } from 'stripe'
import { Webhook as SvixWebhook } from 'svix'
import type { SignedMessage } from './message.ts'

type Work = () => unknown

/** Whatever verifies a message; each throws or answers false when it does not. */
export type Alternatives = Record<string, Work>

/** The least that has to be done: one HMAC and one comparison. */
export const FLOOR = 'native floor'

function checked(isValid: boolean): void {
  if (!isValid) throw new Error('The benchmark measures a message that does not verify.')
}

function nativeFloor({ key, head, body, digest }: SignedMessage): Work {
  return () => checked(timingSafeEqual(createHmac('sha256', key).update(head).update(body).digest(), digest))
}

/** From bytes and headers to the knowledge that they are the sender's. */
export function verifyOnly(message: SignedMessage): Alternatives {
  const { body, headers, secret } = message
  const verifier = createVerifier({ secrets: secret })
  const standard = new StandardWebhook(secret)
  const svix = new SvixWebhook(secret)
  return {
    [FLOOR]: nativeFloor(message),
    '@x/signature': () => verifier.verify(body, headers),
    standardwebhooks: () => standard.verify(body, headers, { jsonParse: false }),
    svix: () => svix.verify(body, headers),
    '@octokit/webhooks-methods': async () =>
      checked(await verifyGitHub(secret, body.toString(), message.gitHubSignature)),
  }
}

/** From bytes and headers to the event; where a library does not parse, `JSON.parse` follows. */
export function verifyAndParse(message: SignedMessage): Alternatives {
  const { body, headers, secret } = message
  const receiver = createReceiver({ secrets: secret })
  const standard = new StandardWebhook(secret)
  const svix = new SvixWebhook(secret)
  const { webhooks } = new Stripe('sk_test_0')
  const floor = nativeFloor(message)
  return {
    [FLOOR]: () => {
      floor()
      return JSON.parse(body.toString())
    },
    '@x/receiver verify': () => receiver.verify(body, headers),
    '@x/receiver verifySync': () => receiver.verifySync(body, headers),
    standardwebhooks: () => standard.verify(body, headers),
    svix: () => {
      svix.verify(body, headers)
      return JSON.parse(body.toString())
    },
    stripe: () => webhooks.constructEvent(body, message.stripeSignature, secret),
    '@octokit/webhooks-methods': async () => {
      const text = body.toString()
      checked(await verifyGitHub(secret, text, message.gitHubSignature))
      return JSON.parse(text)
    },
  }
}
