import { noteOwnTables } from '@x/events-engine/internal'
import { WebhookSenderError } from '../errors.ts'
import { aheadStore } from './ahead.ts'
import { alertStore } from './alerts.ts'
import { apiKeyStore } from './api-keys.ts'
import { auditLogStore } from './audit-log.ts'
import { changeStore } from './change.ts'
import { clockStore } from './clock.ts'
import type { StoreContext } from './context.ts'
import { countStore } from './counts.ts'
import { deliveryStore } from './deliveries.ts'
import { dueStore } from './due.ts'
import { endpointStore } from './endpoints.ts'
import { healthStore } from './health.ts'
import { jobPurgeStore } from './jobs.ts'
import { latestDeliveryStore } from './latest-deliveries.ts'
import { leaseStore } from './leases.ts'
import { messageStore } from './messages.ts'
import { newestDeliveryStore } from './newest-deliveries.ts'
import { purgeStore } from './purge.ts'
import { endpointStateStore } from './queue.ts'
import { reconcileStore } from './reconcile.ts'
import { resultStore } from './results.ts'
import { secretStore } from './secrets.ts'
import { sequenceStore } from './sequence.ts'
import { statisticsStore } from './statistics.ts'
import { straightStore } from './straight.ts'
import { straightMessageStore } from './straight-messages.ts'
import { tenantStore } from './tenants.ts'
import { usedTokenStore } from './used-tokens.ts'
import { windowStore } from './windows.ts'

/** Opens the sender's tables. Statements are composed here, once. */
export function openStore(context: StoreContext) {
  const {
    prefix: _prefix,
    schema: _schema,
    recordOrdered: _function,
    syncEvent: _engines,
    ...tables
  } = context.names
  noteOwnTables(Object.values(tables), notMigrated)
  const messages = messageStore(context)
  return {
    ...deliveryStore(context),
    ...latestDeliveryStore(context),
    ...newestDeliveryStore(context),
    ...messages,
    ...dueStore(context),
    ...resultStore(context),
    ...purgeStore(context),
    ...endpointStore(context),
    ...secretStore(context),
    ...sequenceStore(context),
    ...apiKeyStore(context),
    ...auditLogStore(context),
    ...jobPurgeStore(context),
    ...alertStore(context),
    ...endpointStateStore(context),
    ...countStore(context),
    ...healthStore(context),
    ...aheadStore(context),
    ...leaseStore(context),
    ...windowStore(context),
    ...statisticsStore(context),
    ...tenantStore(context),
    ...usedTokenStore(context),
    ...changeStore(context, messages),
    ...reconcileStore(context),
    ...clockStore(context),
    ...straightStore(context),
    ...straightMessageStore(context),
  }
}

function notMigrated(table: string, cause: unknown): WebhookSenderError {
  return new WebhookSenderError('not_migrated', `The database has no table ${table}.`, {
    remedy: 'Call sender.migrate() first.',
    cause,
  })
}

/** All that the sender asks of a database. */
export type DeliveryStore = ReturnType<typeof openStore>
