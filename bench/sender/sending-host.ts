import { randomBytes } from 'node:crypto'
import { createEventEngine, type EventEngine } from '@x/events-engine'
import {
  type CreateEndpoint,
  createWebhookSender,
  type WebhookSender,
  type WebhookSenderOptions,
} from '@x/sender'
import type { BenchDatabase, BenchTables } from '../databases.ts'

const ENCRYPTION_KEY = randomBytes(32)

export interface SendingHost extends AsyncDisposable {
  readonly engine: EventEngine<BenchTables>
  readonly sender: WebhookSender
}

/** A host with an endpoint for each origin, each of a tenant of its own: the first is tenant 1. */
export async function openSendingHost(
  { db, pool }: BenchDatabase,
  tablePrefix: string,
  origins: readonly string[],
  options: Pick<WebhookSenderOptions<BenchTables>, 'stopTimeoutMs'> = {},
  endpoint: Partial<CreateEndpoint> = {},
): Promise<SendingHost> {
  const engine = createEventEngine({ db, tablePrefix, ...(pool ? { postgres: { pool } } : {}) })
  const sender = createWebhookSender({
    engine,
    encryptionKey: ENCRYPTION_KEY,
    network: { allow: ['127.0.0.0/8'] },
    ...options,
  })
  await sender.migrate()
  for (const [index, origin] of origins.entries()) {
    await sender.endpoints.create({
      tenantId: index + 1,
      url: `${origin}/hook`,
      eventTypes: ['*'],
      concurrency: 64,
      ...endpoint,
    })
  }
  await sender.start()
  await engine.start()
  return {
    engine,
    sender,
    async [Symbol.asyncDispose]() {
      await sender.stop()
      await engine.stop()
    },
  }
}

const RAISED_AT_ONCE = 500

/** Events, as many for each tenant. */
export interface EventsToRaise {
  readonly tenants: number
  readonly events: number
  readonly text: string
}

/** Raises events, many at once, as an import does. */
export async function raiseAll(
  { engine }: SendingHost,
  { tenants, events, text }: EventsToRaise,
): Promise<void> {
  for (let from = 0; from < events; from += RAISED_AT_ONCE) {
    const raised: Promise<unknown>[] = []
    for (let index = from; index < Math.min(events, from + RAISED_AT_ONCE); index++) {
      const site = { tenantId: 1 + (index % tenants), siteId: 7 }
      raised.push(engine.syncManager.addSyncEvent(site, 'Page', index, 'Update', { data: { text } }))
    }
    await Promise.all(raised)
  }
}

/** Raises events, and waits until each delivery is made and recorded. */
export async function raiseAndDeliver(host: SendingHost, toRaise: EventsToRaise): Promise<number> {
  const start = performance.now()
  await raiseAll(host, toRaise)
  await host.sender.drain()
  return (toRaise.events * 1_000) / (performance.now() - start)
}
