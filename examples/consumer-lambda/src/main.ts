// Stands in for API Gateway: makes an event of version 2.0 of each request, and an answer of what the
// function returns.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { handler } from './handler.ts'

const { PORT = '4100', WEBHOOK_SECRET } = process.env
if (!WEBHOOK_SECRET) {
  console.error('Set WEBHOOK_SECRET to the secret of the endpoint: whsec_...')
  process.exit(1)
}

const server = createServer(async (incoming, outgoing) => {
  const { method = 'GET', url = '/' } = incoming
  const { pathname, search } = new URL(url, 'http://gateway')
  const answer = await handler({
    version: '2.0',
    routeKey: '$default',
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: Object.fromEntries(
      Object.entries(incoming.headersDistinct).map(([name, values = []]) => [name, values.join(',')]),
    ),
    requestContext: { http: { method, path: pathname, protocol: 'HTTP/1.1' } },
    body: (await buffer(incoming)).toString('base64'),
    isBase64Encoded: true,
  } as Parameters<typeof handler>[0])
  outgoing.writeHead(answer.statusCode, answer.headers).end(answer.body)
})
server.listen(Number(PORT), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(`The consumer listens at http://127.0.0.1:${port}/hook`)
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.close())
