import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { waitFor } from './wait-for.ts'

/** One request as it arrived: the bytes, not what a parser made of them. */
export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly rawBody: Buffer
  readonly receivedAt: number
}

/** A real HTTP server on loopback that records what it gets and answers what the test says. */
export interface TestConsumer extends AsyncDisposable {
  readonly url: string
  readonly requests: readonly ReceivedRequest[]
  /** Waits until at least so many requests have arrived, and gives them all. */
  received(count: number, timeoutMs?: number): Promise<readonly ReceivedRequest[]>
  /** Answers from now on with this status, or as the function decides for each request. */
  answer(status: number | ((request: ReceivedRequest) => number | Answer | Promise<number | Answer>)): void
}

/** An answer with more than a status. */
export interface Answer {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** Starts a consumer that answers 204 to everything until told otherwise. */
export async function testConsumer(): Promise<TestConsumer> {
  const requests: ReceivedRequest[] = []
  let decide: (request: ReceivedRequest) => number | Answer | Promise<number | Answer> = () => 204

  const listener: RequestListener = async (req, res) => {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of req) chunks.push(chunk as Buffer)
    } catch {
      return // the peer was killed in mid-request: nothing arrived
    }
    const request = {
      method: req.method ?? '',
      path: req.url ?? '',
      headers: req.headers,
      rawBody: Buffer.concat(chunks),
      receivedAt: Date.now(),
    }
    requests.push(request)
    const decided = await decide(request)
    const answer = typeof decided === 'number' ? { status: decided } : decided
    res.writeHead(answer.status, answer.headers).end(answer.body)
  }
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    requests,
    received: (count, timeoutMs) =>
      waitFor(() => requests.length >= count && requests, `${count} requests`, timeoutMs),
    answer(status) {
      decide = typeof status === 'number' ? () => status : status
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
