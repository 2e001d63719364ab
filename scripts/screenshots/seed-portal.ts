import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { until } from '../hosting/until.ts'

/** What there is to be seen. */
export interface SeededPortal extends AsyncDisposable {
  readonly healthy: string
  readonly failing: string
  readonly failedDelivery: string
}

/** Fills a host with endpoints, and with deliveries of every kind. */
export async function seedPortal(hostUrl: string, token: string): Promise<SeededPortal> {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      const answer = () => {
        if (request.url !== '/billing') return response.writeHead(204).end()
        response.writeHead(503, { 'content-type': 'text/plain' })
        return response.end('The database of the billing service is being moved. Try again later.')
      }
      setTimeout(answer, 4 + Math.random() * 30)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const consumer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function ask<TAnswer>(method: string, path: string, body?: object): Promise<TAnswer> {
    const answer = await fetch(hostUrl + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as TAnswer
  }
  async function endpoint(fields: object): Promise<string> {
    const made = await ask<{ endpoint: { id: string } }>('POST', '/portal/api/endpoints', fields)
    return made.endpoint.id
  }

  const failing = await endpoint({
    url: `${consumer}/billing`,
    description: 'Tells billing of each upload',
    eventTypes: ['File.Create'],
    headers: { 'x-api-key': 'k_4f1c9a' },
  })
  await endpoint({
    url: 'https://hooks.example.org/archive/incoming',
    description: 'Long-term archive, paused until it has moved',
    eventTypes: ['*.Delete'],
    ordering: { by: 'entity' },
  }).then((id) => ask('POST', `/portal/api/endpoints/${id}/disable`))
  const healthy = await endpoint({
    url: `${consumer}/search-index`,
    description: 'Keeps the search index fresh',
    eventTypes: ['File.*', 'Page.*', 'Folder.Create'],
    ordering: 'fifo',
    rateLimit: { limit: 50, perSeconds: 1 },
  })

  const form = new FormData()
  form.set('file', new Blob(['A report.']), 'report.pdf')
  const upload = await fetch(`${hostUrl}/api/File/upload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: form,
  })
  const { fileId } = (await upload.json()) as { fileId: number }
  for (const name of ['About', 'News', 'Team', 'Contact']) await ask('POST', '/api/Page', { name })
  for (let index = 0; index < 6; index++) {
    await (await fetch(`${hostUrl}/api/File/download/${fileId}`)).arrayBuffer()
  }
  interface Listed {
    readonly items: readonly { readonly id: string; readonly attemptCount: number; readonly state: string }[]
  }
  const list = (id: string) => ask<Listed>('GET', `/portal/api/deliveries?endpointId=${id}`)
  await until(
    async () => {
      const { items } = await list(healthy)
      return items.length > 8 && items.every(({ state }) => state === 'succeeded')
    },
    'the healthy consumer to have everything',
    60_000,
  )
  const failedDelivery = await until(
    async () => {
      const { items } = await list(failing)
      return items.find(({ attemptCount }) => attemptCount >= 1)?.id
    },
    'the failing consumer to have failed',
    60_000,
  )
  await ask('POST', `/portal/api/deliveries/${failedDelivery}/resend`)
  await until(
    async () => {
      const { items } = await list(failing)
      return items.some(({ id, attemptCount }) => id === failedDelivery && attemptCount >= 2)
    },
    'a second attempt',
    60_000,
  )

  return {
    healthy,
    failing,
    failedDelivery,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
