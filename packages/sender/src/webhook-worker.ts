import type { WebhookSenderOptions } from './options.ts'
import type { WebhookSender } from './webhook-sender.ts'

/** What {@link createWebhookWorker} takes: what it shares with {@link createWebhookSender}, by the same names. */
export interface WebhookWorkerOptions<DB>
  extends Omit<WebhookSenderOptions<DB>, 'deliver' | 'maxEndpointsPerTenant'> {}

/** Sends webhooks for other processes on the same database. Made by {@link createWebhookWorker}. */
export interface WebhookWorker
  extends AsyncDisposable,
    Pick<WebhookSender, 'migrate' | 'start' | 'stop' | 'drain' | 'stats'> {}
