import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signedHeaders } from '../../src/testing.ts'

/** A message as a test writes it. */
export interface StoredMessage {
  readonly id: string
  readonly body: string
}

/** A server with the events API of one endpoint. */
export interface EventsServer extends AsyncDisposable {
  /** What the API is mounted at. */
  readonly url: string
  /** The queries that were made, in order. */
  readonly queries: readonly URLSearchParams[]
  add(...messages: readonly StoredMessage[]): void
  /** Answers the next requests with these statuses instead. */
  refuse(
    ...answers: readonly { readonly status: number; readonly body?: object; readonly headers?: object }[]
  ): void
  /** How many requests wait for a message. */
  readonly waiting: number
}

export const KEY = `whk_${'k'.repeat(43)}`
export const ENDPOINT = 'ep_0199'

/** Starts a server that signs with a secret. */
export async function eventsServer(secret: string): Promise<EventsServer> {
  const stored: StoredMessage[] = []
  const queries: URLSearchParams[] = []
  const refusals: { readonly status: number; readonly body?: object; readonly headers?: object }[] = []
  const waiting = new Set<{
    readonly after: number
    readonly response: ServerResponse
    readonly limit: number
  }>()

  function give(response: ServerResponse, after: number, limit: number): void {
    const messages = stored.slice(after, after + limit).map(({ id, body }, index) => {
      const headers = { ...signedHeaders({ secret, id, body }) }
      return { id, sequence: after + index + 1, headers, body }
    })
    const cursor = String(after + messages.length)
    const page = { messages, cursor, hasMore: after + messages.length < stored.length }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(page))
  }

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    queries.push(searchParams)
    const refusal = refusals.shift()
    if (refusal) {
      response.writeHead(refusal.status, { ...refusal.headers }).end(JSON.stringify(refusal.body ?? {}))
      return
    }
    if (
      request.headers.authorization !== `Bearer ${KEY}` ||
      pathname !== `/events/endpoints/${ENDPOINT}/messages`
    ) {
      response.writeHead(401).end(JSON.stringify({ detail: 'The key that came along is not valid.' }))
      return
    }
    const wanted = searchParams.get('after') ?? '0'
    const after = wanted === 'latest' ? stored.length : Number(wanted)
    const limit = Number(searchParams.get('limit') ?? 100)
    if (after < stored.length || !searchParams.has('wait')) return give(response, after, limit)
    const one = { after, response, limit }
    waiting.add(one)
    response.on('close', () => waiting.delete(one))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    queries,
    get waiting() {
      return waiting.size
    },
    add(...messages) {
      stored.push(...messages)
      for (const { response, after, limit } of waiting) give(response, after, limit)
      waiting.clear()
    },
    refuse: (...answers) => void refusals.push(...answers),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
