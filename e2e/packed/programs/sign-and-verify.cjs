const assert = require('node:assert/strict')
const { EventsError } = require('@x/events-core')
const { WebhookVerificationError, createSigner, createVerifier, generateSecret } = require('@x/signature')

async function main() {
  const secret = generateSecret()
  const id = 'evt_1'
  const timestamp = Math.floor(Date.now() / 1000)
  const signature = await createSigner(secret).sign({ id, timestamp, body: '{}' })
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signature }

  const verifier = createVerifier({ secrets: secret })
  await verifier.verify('{}', headers)
  await assert.rejects(
    async () => verifier.verify('[]', headers),
    (error) => error instanceof WebhookVerificationError && EventsError.is(error),
  )
}

main()
