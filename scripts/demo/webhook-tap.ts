import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One webhook as it went by: what the host sent, and what the consumer answered. */
export interface TappedWebhook {
  readonly id: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** When its first bytes came, in milliseconds of `performance.now()`. */
  readonly arrivedAt: number
  /** Undefined until the consumer has answered. */
  status: number | undefined
}

/** A wire between host and consumer that can be looked at: it passes on every byte, and changes none. */
export interface WebhookTap {
  /** What the host is given as the consumer's URL. */
  readonly url: string
  readonly webhooks: readonly TappedWebhook[]
  /** The attempts for one event. */
  of(id: string): readonly TappedWebhook[]
  close(): void
}

/** Lays the wire to a consumer. */
export async function tapWebhooks(consumerUrl: string): Promise<WebhookTap> {
  const webhooks: TappedWebhook[] = []

  const server = createServer((incoming, response) => {
    const arrivedAt = performance.now()
    const { headers, method } = incoming
    const chunks: Buffer[] = []
    const webhook = {
      id: String(headers['webhook-id']),
      headers,
      get body() {
        return Buffer.concat(chunks)
      },
      arrivedAt,
      status: undefined as number | undefined,
    }
    webhooks.push(webhook)
    const outgoing = sendRequest(consumerUrl, { method: method ?? 'POST', headers }, (answer) => {
      webhook.status = answer.statusCode
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.destroy())
    // The host was killed in mid-request: so is what the consumer gets.
    incoming.on('error', () => outgoing.destroy())
    incoming.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      outgoing.write(chunk)
    })
    incoming.on('end', () => outgoing.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    webhooks,
    of: (id) => webhooks.filter((webhook) => webhook.id === id),
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
