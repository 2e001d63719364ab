import { createReceiver, memoryReplayStore, WebhookVerificationError } from '@x/receiver'
import { webhook } from '@x/receiver/fastify'
import { fastify } from 'fastify'

const { PORT = '4100', WEBHOOK_SECRET } = process.env
if (!WEBHOOK_SECRET) {
  console.error('Set WEBHOOK_SECRET to the secret of the endpoint: whsec_...')
  process.exit(1)
}

const receiver = createReceiver({ secrets: WEBHOOK_SECRET, replayStore: memoryReplayStore() })
receiver.on('*', (event) => console.log(`received ${event.id} ${event.type}`))
receiver.onError((error) => {
  console.log(`refused ${WebhookVerificationError.is(error) ? error.code : error}`)
})

const app = fastify()
app.register(webhook(receiver), { prefix: '/hook' })

const address = await app.listen({ port: Number(PORT), host: '127.0.0.1' })
console.log(`The consumer listens at ${address}/hook`)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void app.close())
