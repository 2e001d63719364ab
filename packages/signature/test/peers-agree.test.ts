import fc from 'fast-check'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { describe, expect, it } from 'vitest'
import { builds } from './builds.ts'

const peers = [
  { peer: 'standardwebhooks', Webhook: StandardWebhook },
  { peer: 'svix', Webhook: SvixWebhook },
]
const id = fc.stringMatching(/^[!-\-/-~]{1,60}$/)
const body = fc.json()

describe.each(builds)('$build', ({ createSigner, createVerifier, generateSecret }) => {
  it.each(peers)('signs what $peer verifies', async ({ Webhook }) => {
    const secret = generateSecret()
    const signer = createSigner(secret)
    await fc.assert(
      fc.asyncProperty(id, body, async (messageId, text) => {
        const timestamp = Math.floor(Date.now() / 1000)
        const signature = await signer.sign({ id: messageId, timestamp, body: text })
        const headers = {
          'webhook-id': messageId,
          'webhook-timestamp': String(timestamp),
          'webhook-signature': signature,
        }
        expect(() => new Webhook(secret).verify(text, headers)).not.toThrow()
      }),
    )
  })

  it.each(peers)('verifies what $peer signed', async ({ Webhook }) => {
    const secret = generateSecret()
    const verifier = createVerifier({ secrets: secret })
    await fc.assert(
      fc.asyncProperty(id, body, async (messageId, text) => {
        const now = new Date()
        const headers = {
          'webhook-id': messageId,
          'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
          'webhook-signature': new Webhook(secret).sign(messageId, now, text),
        }
        expect(await verifier.verify(text, headers)).toMatchObject({ id: messageId })
      }),
    )
  })
})
