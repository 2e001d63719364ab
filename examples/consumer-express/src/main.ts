import type { AddressInfo } from 'node:net'
import type {} from '@x/events-core'
import { createReceiver, memoryReplayStore, WebhookVerificationError } from '@x/receiver'
import { webhook } from '@x/receiver/express'
import express from 'express'
import { failOnce } from './fail-once.ts'

// What the sender attaches to events about files; with it, handlers know the type of their entity.
declare module '@x/events-core' {
  interface EntityTypes {
    File: { fileId: number; name: string; size: number }
  }
}

const { PORT = '4100', WEBHOOK_SECRET, DEMO } = process.env
if (!WEBHOOK_SECRET) {
  console.error('Set WEBHOOK_SECRET to the secret of the endpoint: whsec_...')
  process.exit(1)
}

const receiver = createReceiver({ secrets: WEBHOOK_SECRET, replayStore: memoryReplayStore() })

receiver.on('*', (event) => {
  console.log(`received ${event.id} ${event.type} ${event.data.entityName} ${event.data.entityId}`)
})
receiver.on('File.Download', (event) => {
  console.log(`downloaded ${event.data.entity?.name}`)
})
receiver.onError((error) => {
  console.log(`refused ${WebhookVerificationError.is(error) ? error.code : error}`)
})

const app = express()
if (DEMO === '1') app.use(failOnce())
app.post('/hook', webhook(receiver))

const server = app.listen(Number(PORT), '127.0.0.1', (error) => {
  if (error) throw error
  const { port } = server.address() as AddressInfo
  console.log(`The consumer listens at http://127.0.0.1:${port}/hook`)
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.close())
