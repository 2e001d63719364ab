import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createEventsApi, type EventsApiOptions, type PulledMessage } from '../../src/index.ts'
import type { OpenHost } from '../open-host.ts'

/** A page of messages, as it comes over HTTP. */
export interface Page {
  readonly messages: readonly PulledMessage[]
  readonly cursor: string
  readonly hasMore: boolean
}

/** A response of the events API. */
export interface Read {
  readonly status: number
  readonly headers: Headers
  /** Of a success. */
  readonly page: Page
  /** Of anything else. */
  readonly problem: {
    readonly code?: string
    readonly detail?: string
    readonly field?: string
    readonly first?: number
  }
}

/** A host's server with the events API at /events. */
export interface EventsServer extends AsyncDisposable {
  readonly url: string
  /** How many requests wait for messages. */
  waiting(): number
  /** Reads messages of an endpoint with a key; `query` is what stands behind the question mark. */
  read(endpointId: string, key: string | undefined, query?: string, init?: RequestInit): Promise<Read>
}

/** Serves the messages of a host. */
export async function serveEvents(
  { sender }: Pick<OpenHost, 'sender'>,
  options: Omit<EventsApiOptions, 'sender'> = {},
): Promise<EventsServer> {
  const api = createEventsApi({ sender, ...options })
  const server = createServer(api.node)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`
  return {
    url,
    waiting: () => api.waiting,
    async read(endpointId, key, query = '', init = {}) {
      const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
      const response = await fetch(`${url}/endpoints/${endpointId}/messages?${query}`, { headers, ...init })
      const text = await response.text()
      const body = text === '' ? undefined : JSON.parse(text)
      return { status: response.status, headers: response.headers, page: body, problem: body }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** An endpoint that is only read, with a key. */
export async function pullEndpoint(
  { sender }: Pick<OpenHost, 'sender'>,
  input: { readonly tenantId?: number } = {},
) {
  const { endpoint, secret } = await sender.endpoints.create({ tenantId: 1, url: null, ...input })
  const { key, id: keyId } = await sender.endpoints.createKey(endpoint.id)
  return { endpoint, secret, key, keyId }
}

/** Raises events with the given entity ids, and waits until they have become messages. */
export async function raise(host: OpenHost, ...ids: readonly number[]): Promise<void> {
  await host.engine.transaction(async ({ raise: add }) => {
    for (const id of ids)
      await add({ tenantId: 1, siteId: 7 }, 'File', id, 'Create', { data: { name: `${id}.txt` } })
  })
  await host.sender.drain()
}

export const numbersOf = ({ page }: Read) => page.messages.map(({ sequence }) => sequence)
