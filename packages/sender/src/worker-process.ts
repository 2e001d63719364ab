import type { WebhookSenderOptions } from './options.ts'
import { createWebhookSender, type WebhookSender } from './sender.ts'

/** What {@link createWebhookWorker} takes: what it shares with {@link createWebhookSender}, by the same names. */
export interface WebhookWorkerOptions<DB>
  extends Omit<WebhookSenderOptions<DB>, 'deliver' | 'maxEndpointsPerTenant'> {}

/** Sends webhooks for other processes on the same database. Made by {@link createWebhookWorker}. */
export interface WebhookWorker
  extends AsyncDisposable,
    Pick<WebhookSender, 'migrate' | 'start' | 'stop' | 'drain' | 'stats'> {}

/**
 * Creates what sends webhooks in a process of its own, beside hosts that send none: their requests
 * keep their threads, their memory and their addresses, and there may be as many workers as there is work
 * for. It needs the database and the encryption key, no HTTP server and none of the host's subscribers. It
 * shares all settings with `createWebhookSender`, which should have the same values in all processes.
 *
 * Start the engine as well: on PostgreSQL, a worker is woken through it; without, it finds work by
 * polling. By default events are turned into deliveries by the hosts; with `fanOut: true` workers take part.
 *
 * @throws WebhookSenderError `invalid_option`
 * @example
 * ```ts
 * import { createEventEngine } from '@x/events-engine'
 * import { createWebhookWorker } from '@x/sender'
 * import { Kysely, PostgresDialect } from 'kysely'
 * import { Pool } from 'pg'
 *
 * async function startWorker(connectionString: string, encryptionKey: string) {
 *   const pool = new Pool({ connectionString })
 *   const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
 *   const engine = createEventEngine({ db, postgres: { pool } })
 *   const worker = createWebhookWorker({ engine, encryptionKey })
 *   await worker.start()
 *   await engine.start()
 *   return async () => {
 *     await worker.stop()
 *     await engine.stop()
 *     await db.destroy()
 *   }
 * }
 * ```
 */
export function createWebhookWorker<DB>(options: WebhookWorkerOptions<DB>): WebhookWorker {
  const { fanOut = false, ...rest } = options
  const sender = createWebhookSender({ ...rest, fanOut, deliver: true })
  const { migrate, start, stop, drain, stats } = sender
  return { migrate, start, stop, drain, stats, [Symbol.asyncDispose]: stop }
}
