import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { HostileHost } from './hosts.ts'
import type { HostileInput } from './measure.ts'

const MAX_BODY = Buffer.alloc(64_000_000)
const HOUR_MS = 3_600_000

interface HostileResponse {
  readonly what: string
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: Buffer | string
}

/** Compressed once: this process serves them as well. */
const responses = (): HostileResponse[] => [
  { what: '64 MB of zeros by gzip', headers: { 'content-encoding': 'gzip' }, body: gzipSync(MAX_BODY) },
  {
    what: '64 MB of zeros by deflate',
    headers: { 'content-encoding': 'deflate' },
    body: deflateSync(MAX_BODY),
  },
  { what: '64 MB of zeros by brotli', headers: { 'content-encoding': 'br' }, body: brotliBomb() },
  {
    what: '64 MB of zeros by zstd',
    headers: { 'content-encoding': 'zstd' },
    body: zstdCompressSync(MAX_BODY),
  },
  { what: 'four codings at once', headers: { 'content-encoding': 'gzip, br, zstd, deflate' }, body: 'x' },
  { what: 'a retry-after of 10 digits', status: 503, headers: { 'retry-after': '9999999999' } },
  {
    what: 'a retry-after in the year 275760',
    status: 503,
    headers: { 'retry-after': 'Fri, 12 Sep 275760 23:59:59 GMT' },
  },
  { what: 'a retry-after of 10 KB', status: 503, headers: { 'retry-after': '1'.repeat(10_000) } },
  {
    what: '1,000 headers',
    headers: Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`x-${i}`, 'v'])),
  },
  { what: '14 KB of one header', headers: { 'x-long': 'v'.repeat(14_000) } },
  { what: 'a body of NUL', body: '\0'.repeat(4_096) },
]

function brotliBomb(): Buffer {
  return brotliCompressSync(MAX_BODY, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })
}

async function serve(response: HostileResponse): Promise<Server> {
  const server = createServer((request, answer) => {
    request.resume()
    // What is served in this process is the bench's own work: little of it at a time.
    answer.writeHead(response.status ?? 200, response.headers as Record<string, string>)
    answer.end(response.body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** What consumers respond with, each to a test of its endpoint. */
export async function consumerInputs(
  { sender }: HostileHost,
  stack: AsyncDisposableStack,
): Promise<HostileInput[]> {
  const inputs: HostileInput[] = []
  for (const response of responses()) {
    const server = await serve(response)
    stack.defer(() => {
      server.closeAllConnections()
      server.close()
    })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const { endpoint } = await sender.endpoints.create({ tenantId: 1, url })
    inputs.push({
      what: `response: ${response.what}`,
      async run() {
        await sender.endpoints.enable(endpoint.id)
        const { id } = await sender.sendTest(endpoint.id)
        const until = Date.now() + HOUR_MS
        while ((await sender.deliveries.get(id)).attempts.length === 0 && Date.now() < until) {
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
        await sender.deliveries.cancel(id).catch(() => {})
      },
    })
  }
  return inputs
}
