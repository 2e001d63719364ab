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
import { clientOptions, createEventsClient } from './events-client.ts'
import { openPlace } from './place.ts'
import { checkOf } from './pull.ts'
import { relay } from './relay.ts'

const options = {
  ...clientOptions,
  after: { type: 'string' },
  state: { type: 'string' },
  secret: { type: 'string', multiple: true },
  port: { type: 'string' },
  'forward-to': { type: 'string' },
} as const

type ListenValues = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

const DEFAULT_PORT = '4100'

// What belongs to one connection, and not to the message.
const OF_THE_CONNECTION = ['connection', 'content-length', 'host', 'keep-alive', 'transfer-encoding']

async function forward(url: string, { headers, rawBody, signal }: WebhookContext): Promise<number> {
  const forwarded = new Headers(headers)
  for (const name of OF_THE_CONNECTION) forwarded.delete(name)
  const body = Uint8Array.from(rawBody)
  const response = await fetch(url, { method: 'POST', headers: forwarded, body, signal, redirect: 'manual' })
  await response.body?.cancel()
  // Whoever sends has to send again.
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return response.status
}

function show(receiver: Receiver, forwardTo: string | undefined, io: CliIo): void {
  receiver.on('*', async (event, context) => {
    io.write(
      `${context.timestamp.toISOString()} ${event.id} ${event.type}\n${JSON.stringify(event, null, 2)}\n`,
    )
    if (forwardTo) io.write(`-> ${await forward(forwardTo, context)} ${forwardTo}\n`)
  })
  receiver.onError((error, { status }) => {
    io.write(`${status} ${error instanceof Error ? error.message : String(error)}\n`)
  })
}

/** Shows webhooks until it is interrupted: those that arrive here, or those of an events API. */
export async function listen(args: readonly string[], io: CliIo): Promise<number> {
  const { values } = parseArgs({ args: [...args], options })
  const forwardTo = values['forward-to']
  if (forwardTo !== undefined && !/^https?:$/.test(URL.parse(forwardTo)?.protocol ?? '')) {
    throw new UsageError(`--forward-to must be a URL; got ${forwardTo}`)
  }
  await (values.url === undefined ? listenHere(values, forwardTo, io) : listenThere(values, forwardTo, io))
  return 0
}

async function listenThere(values: ListenValues, forwardTo: string | undefined, io: CliIo): Promise<void> {
  if (values.port !== undefined) throw new UsageError('--port is for listening here, without --url')
  const client = createEventsClient(values, io)
  const check = checkOf(values.secret, io)
  // What is new, unless it is to go on somewhere.
  const wanted = { url: client.url, after: values.after, file: values.state, start: 'latest' } as const
  const place = await openPlace(wanted, io)
  io.write(`Reading ${client.url}\n`)
  await relay({ client, place, forwardTo, check, io })
}

async function listenHere(values: ListenValues, forwardTo: string | undefined, io: CliIo): Promise<void> {
  for (const name of ['endpoint', 'key', 'after', 'state'] as const) {
    if (values[name] !== undefined) throw new UsageError(`--${name} is for an events API; give --url as well`)
  }
  const { port: wanted = DEFAULT_PORT } = values
  if (!/^\d{1,5}$/.test(wanted)) throw new UsageError(`--port must be a number; got ${wanted}`)
  const given = values.secret ?? io.env['WEBHOOK_SECRET']
  const secrets = given === undefined || given.length === 0 ? generateSecret() : given
  const receiver = createReceiver({ secrets })
  show(receiver, forwardTo, io)

  const handle = webhook(receiver)
  const server = createServer((request, response) => void handle(request, response))
  // Nobody else on the network has any business here.
  server.listen(Number(wanted), '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  io.write(`Listening at http://127.0.0.1:${port}/\n`)
  if (secrets !== given) io.write(`Sign with this secret: ${secrets}\n`)

  await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)))
  server.closeAllConnections()
  server.close()
}
