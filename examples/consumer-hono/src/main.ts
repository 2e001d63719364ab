import { serve } from '@hono/node-server'
import { createReceiver, memoryReplayStore, WebhookVerificationError } from '@x/receiver'
import { webhook } from '@x/receiver/hono'
import { Hono } from 'hono'

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

const app = new Hono()
app.post('/hook', webhook(receiver))

const server = serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' }, ({ port }) => {
  console.log(`The consumer listens at http://127.0.0.1:${port}/hook`)
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.close())
