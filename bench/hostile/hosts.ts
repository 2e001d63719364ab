import { randomBytes } from 'node:crypto'
import { createEventEngine, type EventEngine } from '@x/events-engine'
import { createPortal, type Portal } from '@x/portal'
import { createWebhookSender, type WebhookSender } from '@x/sender'
import { type BenchTables, sqliteFile } from '../databases.ts'

/** A host with everything that tenants reach. */
export interface HostileHost extends AsyncDisposable {
  readonly engine: EventEngine<BenchTables>
  readonly sender: WebhookSender
  readonly portal: Portal
}

/** Raising refuses what does not fit the catalog, so that the comparison happens where the host waits for it. */
export async function openHostileHost(): Promise<HostileHost> {
  const database = await sqliteFile('NORMAL')
  const engine = createEventEngine({ db: database.db })
  const sender = createWebhookSender({
    engine,
    encryptionKey: randomBytes(32),
    network: { allow: ['127.0.0.0/8'] },
    validate: 'refuse',
  })
  await sender.migrate()
  await sender.start()
  await engine.start()
  const portal = createPortal({
    sender,
    basePath: '/portal',
    authorize: () => ({ tenantId: 1, role: 'manager' }),
  })
  return {
    engine,
    sender,
    portal,
    async [Symbol.asyncDispose]() {
      await sender.stop()
      await engine.stop()
      await database[Symbol.asyncDispose]()
    },
  }
}
