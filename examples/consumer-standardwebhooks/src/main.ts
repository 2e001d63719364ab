import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

const { PORT = '4100', WEBHOOK_SECRET } = process.env
if (!WEBHOOK_SECRET) {
  console.error('Set WEBHOOK_SECRET to the secret of the endpoint: whsec_...')
  process.exit(1)
}

const webhook = new Webhook(WEBHOOK_SECRET)

const server = createServer(async (request, response) => {
  const body = await text(request)
  try {
    const event = webhook.verify(body, request.headers as Record<string, string>) as { type: string }
    console.log(`received ${request.headers['webhook-id']} ${event.type}`)
    response.writeHead(204).end()
  } catch (error) {
    console.log(`refused ${error instanceof Error ? error.message : error}`)
    response.writeHead(401).end()
  }
})
server.listen(Number(PORT), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(`The consumer listens at http://127.0.0.1:${port}/hook`)
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.close())
