// Serves the route alone, as Next.js would call it: to try it without building an application.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { NextRequest } from 'next/server.js'
import { POST } from '../app/hook/route.ts'

const { PORT = '4100', WEBHOOK_SECRET } = process.env
if (!WEBHOOK_SECRET) {
  console.error('Set WEBHOOK_SECRET to the secret of the endpoint: whsec_...')
  process.exit(1)
}

const server = createServer(async (incoming, outgoing) => {
  if (incoming.method !== 'POST' || incoming.url !== '/hook') return outgoing.writeHead(404).end()
  const request = new NextRequest(`http://${incoming.headers.host}/hook`, {
    method: 'POST',
    headers: new Headers(incoming.headersDistinct as Record<string, string[]> as never),
    body: Readable.toWeb(incoming) as never,
    duplex: 'half',
  })
  const answer = await POST(request)
  outgoing.writeHead(answer.status, [...answer.headers].flat()).end(await answer.text())
})
server.listen(Number(PORT), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(`The consumer listens at http://127.0.0.1:${port}/hook`)
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.close())
