import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { generateSecret } from '@x/signature'
import { createReceiver, type Receiver } from '../create-receiver.ts'
import type { WebhookContext } from '../event-patterns.ts'
import { webhook } from '../node.ts'
import { type CliIo, UsageError } from './cli-io.ts'

const options = {
  secret: { type: 'string', multiple: true },
  port: { type: 'string', default: '4100' },
  forward: { type: 'string' },
} as const

// What belongs to one connection, and not to the message.
const OF_THE_CONNECTION = ['connection', 'content-length', 'host', 'keep-alive', 'transfer-encoding']

async function forwardTo(url: string, { headers, rawBody, signal }: WebhookContext): Promise<number> {
  const forwarded = new Headers(headers)
  for (const name of OF_THE_CONNECTION) forwarded.delete(name)
  const body = Uint8Array.from(rawBody)
  const response = await fetch(url, { method: 'POST', headers: forwarded, body, signal })
  await response.body?.cancel()
  // Whoever sends has to send again.
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return response.status
}

function show(receiver: Receiver, forward: string | undefined, io: CliIo): void {
  receiver.on('*', async (event, context) => {
    io.write(
      `${context.timestamp.toISOString()} ${event.id} ${event.type}\n${JSON.stringify(event, null, 2)}\n`,
    )
    if (forward) io.write(`-> ${await forwardTo(forward, context)} ${forward}\n`)
  })
  receiver.onError((error, { status }) => {
    io.write(`${status} ${error instanceof Error ? error.message : String(error)}\n`)
  })
}

/** Shows webhooks until it is interrupted. */
export async function listen(args: readonly string[], io: CliIo): Promise<number> {
  const { values } = parseArgs({ args: [...args], options })
  const { forward } = values
  if (forward !== undefined && !URL.canParse(forward)) throw new UsageError('--forward must be a URL')
  if (!/^\d{1,5}$/.test(values.port)) throw new UsageError(`--port must be a number; got ${values.port}`)
  const given = values.secret ?? io.env['WEBHOOK_SECRET']
  const secrets = given === undefined || given.length === 0 ? generateSecret() : given
  const receiver = createReceiver({ secrets })
  show(receiver, forward, io)

  const handle = webhook(receiver)
  const server = createServer((request, response) => void handle(request, response))
  // Nobody else on the network has any business here.
  server.listen(Number(values.port), '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  io.write(`Listening at http://127.0.0.1:${port}/\n`)
  if (secrets !== given) io.write(`Sign with this secret: ${secrets}\n`)

  await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)))
  server.closeAllConnections()
  server.close()
  return 0
}
