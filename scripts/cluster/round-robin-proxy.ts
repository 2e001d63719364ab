import { createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One of the hosts behind the proxy. */
export interface ProxiedNode {
  readonly name: string
  /** Where it listens. */
  readonly url: string
}

/** A proxy that listens. */
export interface RoundRobinProxy {
  readonly url: string
  close(): Promise<void>
}

/** What {@link startProxy} takes. */
export interface ProxyOptions {
  /** 0: one that is free. */
  readonly port: number
  readonly nodes: readonly ProxiedNode[]
  /** Hears which node has answered what. */
  onAnswer?(line: string): void
}

/**
 * Hands each request to the next node in turn. A node that takes no connection is passed over: nothing
 * was sent to it, so that the next one can be asked, whatever the request is about. What a node was
 * doing when it died is answered with 502, since nobody knows how far it got.
 */
export async function startProxy({ port, nodes, onAnswer }: ProxyOptions): Promise<RoundRobinProxy> {
  let turn = 0

  const server = createServer((request, response) => {
    const first = turn++
    tryNext(nodes.map((_, index) => nodes[(first + index) % nodes.length] as ProxiedNode))

    function tryNext([node, ...others]: readonly ProxiedNode[]): void {
      if (!node) {
        refuse(response, 503, 'No node takes connections.')
        return
      }
      forward(node, request, response, {
        refused: () => tryNext(others),
        answered: (status) => onAnswer?.(`${request.method} ${request.url} -> ${node.name}, ${status}`),
      })
    }
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

interface Outcome {
  /** The node took no connection, and got nothing of the request. */
  refused(): void
  answered(status: number): void
}

function forward(
  node: ProxiedNode,
  request: IncomingMessage,
  response: ServerResponse,
  { refused, answered }: Outcome,
): void {
  let wasSent = false
  const outgoing = sendRequest(new URL(request.url ?? '/', node.url), {
    method: request.method,
    headers: { ...request.headers, 'x-forwarded-for': request.socket.remoteAddress },
    // A connection of its own: one that was kept could be closing just now.
    agent: false,
  })
  outgoing.on('socket', (socket) => {
    socket.once('connect', () => {
      wasSent = true
      request.pipe(outgoing)
    })
  })
  outgoing.on('response', (incoming) => {
    const { statusCode = 502, headers } = incoming
    answered(statusCode)
    response.writeHead(statusCode, { ...headers, 'x-node': node.name })
    // Also for streams, whose first event may be long in coming.
    response.flushHeaders()
    incoming.pipe(response)
    incoming.on('error', () => response.destroy())
  })
  outgoing.on('error', () => {
    if (!wasSent) refused()
    else if (response.headersSent) response.destroy()
    else refuse(response, 502, `${node.name} went away.`)
  })
  response.on('close', () => outgoing.destroy())
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${message}\n`)
}
