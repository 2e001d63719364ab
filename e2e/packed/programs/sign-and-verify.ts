import assert from 'node:assert/strict'
import { createSigner, createVerifier, generateSecret } from '@x/signature'

const secret = generateSecret()
const id = 'evt_1'
const timestamp = Math.floor(Date.now() / 1000)
const body = '{"type":"File.Create"}'
const signature = await createSigner(secret).sign({ id, timestamp, body })
const headers = {
  'webhook-id': id,
  'webhook-timestamp': String(timestamp),
  'webhook-signature': signature,
}

const verifier = createVerifier({ secrets: secret })
await verifier.verify(body, headers)
await assert.rejects(async () => verifier.verify(`${body} `, headers))
