import { createReceiver, WebhookVerificationError } from '@x/receiver'
import { webhook } from '@x/receiver/lambda'

// Each instance of a function has a memory of its own: a replay store would have to lie outside.
const receiver = createReceiver({ secrets: () => process.env['WEBHOOK_SECRET'] ?? '' })
receiver.on('*', (event) => console.log(`received ${event.id} ${event.type}`))
receiver.onError((error) => {
  console.log(`refused ${WebhookVerificationError.is(error) ? error.code : error}`)
})

/** What the function is configured to call: `handler.handler`. */
export const handler = webhook(receiver)
