import type { Jobs } from './bulk/jobs.ts'
import type { Deliveries } from './deliveries/deliveries.ts'
import type { Delivery } from './deliveries/delivery.ts'
import type { TenantScope } from './endpoints/endpoint.ts'
import type { Endpoints } from './endpoints/endpoints.ts'
import type { EventTypes } from './event-types/event-types.ts'
import type { PurgedTenant } from './maintenance/tenant-purge.ts'
import type { Statistics, TenantStatisticsQuery } from './statistics/statistics.ts'

/** How a sender stands. */
export interface SenderStats {
  readonly endpoints: { readonly enabled: number; readonly disabled: number }
  /** Stored deliveries that have not succeeded. */
  readonly deliveries: { readonly pending: number; readonly exhausted: number }
  /** Requests of this process that are under way. */
  readonly inFlight: number
  /** How long the delivery that waits longest has been due, in milliseconds; 0 when nothing is due. */
  readonly oldestDueAgeMs: number
  /** What was found among the stored webhooks that should not be, by this process; see `reconcileEveryMs`. */
  readonly reconciliation: { readonly runs: number; readonly mended: number }
  /** What this process has done since it was started. */
  readonly sinceStart: {
    readonly attempts: number
    readonly succeeded: number
    readonly failed: number
    readonly exhausted: number
  }
}

/** Sends an engine's events to endpoints. Made by {@link createWebhookSender}. */
export interface WebhookSender extends AsyncDisposable {
  /** Who gets webhooks, and about what. */
  readonly endpoints: Endpoints
  /** What was sent, what came of it, and what is still to be sent. */
  readonly deliveries: Deliveries
  /** What is being done to many deliveries at once. */
  readonly jobs: Jobs
  /** What consumers can subscribe to. */
  readonly eventTypes: EventTypes

  /**
   * Creates or updates the sender's tables, and the engine's before them. Safe on every start, also of
   * several nodes at once. Events that are raised from then on are covered.
   */
  migrate(): Promise<void>
  /**
   * Begins to turn events into deliveries, and to deliver them. The engine may be started before or
   * after; events are heard of once both run.
   *
   * @throws WebhookSenderError `not_migrated`, `wrong_encryption_key`
   */
  start(): Promise<void>
  /** Begins no further attempt, lets those under way end, stores what came of them, hands back leases. */
  stop(): Promise<void>
  /**
   * Sends an event of type `Webhook.Test` to one endpoint, at once: before whatever waits for it, although it is
   * paused or its limits are used up, as `deliveries.resend` does. In no `ordering` does it wait or hold up others.
   *
   * @returns the delivery, still pending; `deliveries.get` tells what came of it.
   * @throws WebhookSenderError `endpoint_not_found`, `endpoint_disabled`
   */
  sendTest(endpointId: string, scope?: TenantScope): Promise<Delivery>
  /**
   * What was attempted over time, of all endpoints of a tenant together, those deleted included.
   *
   * @throws WebhookSenderError `invalid_argument`
   */
  statistics(query: TenantStatisticsQuery): Promise<Statistics>
  /**
   * Deletes everything of a tenant: endpoints, secrets, deliveries, attempts, messages that no other tenant has,
   * statistics and jobs, and, as `engine.purgeTenant` does, events of the log and parked ones; in small
   * transactions. It can be called while webhooks are sent, and again when it was interrupted. End what raises
   * events of the tenant, or sends tests to its endpoints, first: what is committed after the call has begun may stay.
   *
   * @throws WebhookSenderError `invalid_endpoint` for what is no tenant's id
   */
  purgeTenant(tenantId: number): Promise<PurgedTenant>
  /**
   * Encrypts every secret with `encryptionKey` that was encrypted with one of `previousEncryptionKeys`. Safe
   * while senders run that know both keys, and to be repeated.
   *
   * @returns how many.
   * @throws WebhookSenderError `wrong_encryption_key`
   */
  reencryptSecrets(): Promise<number>
  /**
   * Waits until every event committed so far has become deliveries, and no delivery is due any more;
   * retries that are due later are not waited for. For tests of hosts. An event that no message can be made
   * of is tried three times before it is parked: with a clock that stands still, advance it meanwhile.
   *
   * @throws WebhookSenderError `not_running`
   */
  drain(): Promise<void>
  stats(): Promise<SenderStats>
}
