import { createReceiver, memoryReplayStore, WebhookVerificationError } from '@x/receiver'
import { webhook } from '@x/receiver/next'

// Read when the first webhook comes: Next.js loads this file also while it builds.
const secrets = () => process.env['WEBHOOK_SECRET'] ?? ''

const receiver = createReceiver({ secrets, replayStore: memoryReplayStore() })
receiver.on('*', (event) => console.log(`received ${event.id} ${event.type}`))
receiver.onError((error) => {
  console.log(`refused ${WebhookVerificationError.is(error) ? error.code : error}`)
})

export const POST = webhook(receiver)
