import { type EventTypePattern, type FieldNames, shown } from '@x/events-core'
import { readLimit, readTime, readTimeRange, SCOPE } from '../argument.ts'
import { readActor } from '../audit/audit-log.ts'
import type { JobKind, ReplayScope, StoredJobOptions, WebhookJob } from '../bulk/job.ts'
import { validateEventTypes } from '../bulk/jobs.ts'
import type { ActorScope, TenantScope } from '../endpoints/endpoint.ts'
import type { EndpointRow } from '../endpoints/fields.ts'
import { tenantOf } from '../endpoints/validate.ts'
import { assertArgument, endpointDisabled, endpointNotFound, noUrl, WebhookSenderError } from '../errors.ts'
import { isUniqueId, parseDeliveryId } from '../ids.ts'
import type { Message } from '../messages/message.ts'
import type { DeliveryStore } from '../store/store.ts'
import {
  type Delivery,
  type DeliveryAttempt,
  type DeliveryCount,
  type DeliveryDetails,
  type DeliveryFilter,
  type DeliveryPage,
  type DeliveryState,
  type ListAttempts,
  type ListDeliveries,
  MAX_ATTEMPTS_SHOWN,
  type SearchDeliveries,
  type ShowDelivery,
} from './delivery.ts'
import { attemptOf } from './delivery-of-row.ts'
import type { DeliveryKey, DeliveryRow } from './delivery-row.ts'
import { type CheckedFilter, FILTER, readFilter } from './read-filter.ts'
import type { DeliveryReasons } from './reasons.ts'
import { createDeliverySearch } from './search-deliveries.ts'

/** Which deliveries to recover. */
export interface RecoverDeliveries extends ActorScope {
  /** Those created since, inclusive. */
  readonly since: Date
  /**
   * Those created before this time.
   * @defaultValue now
   */
  readonly until?: Date | undefined
  /**
   * Those of these types or patterns.
   * @defaultValue all
   */
  readonly eventTypes?: readonly EventTypePattern[] | undefined
}

/** What to send an endpoint once more. */
export interface ReplayDeliveries extends RecoverDeliveries {
  /**
   * Which of the events that match the endpoint: all, those without a success, or those without a delivery.
   * @defaultValue 'all'
   */
  readonly include?: ReplayScope | undefined
}

/** Which pending deliveries to cancel. */
export interface CancelDeliveries extends ActorScope {
  /**
   * Those created before this time.
   * @defaultValue now
   */
  readonly until?: Date | undefined
  /**
   * Those of these types or patterns.
   * @defaultValue all
   */
  readonly eventTypes?: readonly EventTypePattern[] | undefined
}

/**
 * What was sent, and what is to be sent. Each method that takes an id can be narrowed to a tenant.
 *
 * @example
 * ```ts
 * import type { WebhookSender } from '@x/sender'
 *
 * async function sendFailedAgain(sender: WebhookSender, tenantId: number): Promise<void> {
 *   for (const { id } of await sender.deliveries.list({ tenantId, state: 'exhausted' })) {
 *     await sender.deliveries.resend(id)
 *   }
 * }
 * ```
 */
export interface Deliveries {
  /**
   * Reads on until the page is full. `search` ends sooner, for a page that a person waits for.
   *
   * @throws WebhookSenderError `invalid_argument`
   */
  list(query: ListDeliveries): Promise<readonly Delivery[]>
  /**
   * Finds deliveries by an id of any kind, by a text in the body or the URL, and by what `list` takes. It looks at no more than
   * about 2,500 deliveries, and at the bodies of 500: where little is found, the page ends there, says so, and can be gone on from.
   *
   * @throws WebhookSenderError `invalid_argument`
   * @example
   * ```ts
   * import type { Delivery, WebhookSender } from '@x/sender'
   *
   * async function findInvoice(sender: WebhookSender, tenantId: number, text: string): Promise<Delivery | undefined> {
   *   let before: string | undefined
   *   do {
   *     const { items, next } = await sender.deliveries.search({ tenantId, eventType: 'Invoice.*', search: text, before })
   *     if (items[0]) return items[0]
   *     before = next
   *   } while (before)
   *   return undefined
   * }
   * ```
   */
  search(query: SearchDeliveries): Promise<DeliveryPage>
  /**
   * Counts deliveries, up to a limit: 10,000 by state, time and endpoint; of what any other part of a filter decides about, it looks at
   * about 2,500.
   *
   * @throws WebhookSenderError `invalid_argument`
   */
  count(filter: DeliveryFilter): Promise<DeliveryCount>
  /** @throws WebhookSenderError `delivery_not_found`, `invalid_argument` */
  get(id: string, options?: ShowDelivery): Promise<DeliveryDetails>
  /**
   * The attempts of a delivery, the newest first: for one that has more than `get` shows.
   *
   * @throws WebhookSenderError `delivery_not_found`, `invalid_argument`
   */
  attempts(id: string, query?: ListAttempts): Promise<readonly DeliveryAttempt[]>
  /**
   * Sends a delivery again, at once: before whatever else waits for the endpoint, although it is paused (a
   * `circuit`, `Retry-After`), its `rateLimit` is used up or all its `concurrency` is in use, and out of turn where
   * deliveries follow each other (`ordering`): the others keep their order, and it goes back to its place if it
   * fails. Success ends the pause; a failure leaves it as it is. At most ten such requests in 10 seconds (or those of
   * the `rateLimit`, if longer) go beyond an endpoint's limits, five at once; further ones take turns with what else is due.
   *
   * A pending delivery is not doubled: its next attempt is made now instead of later. While one is under way, another
   * follows only if that one fails. One that had come to rest begins its schedule anew.
   *
   * @throws WebhookSenderError `delivery_not_found`, `endpoint_disabled`, `delivery_cancelled`
   */
  resend(id: string, scope?: ActorScope): Promise<Delivery>
  /**
   * Ends a pending delivery: no further attempt begins, and the next of its ordering key (`ordering`) takes its
   * place. An attempt under way is recorded: when it succeeds, the delivery has succeeded; when it
   * fails, it stays cancelled. One that is cancelled already is left as it is; `resend` brings it back.
   *
   * @throws WebhookSenderError `delivery_not_found`, `delivery_not_pending`
   */
  cancel(id: string, scope?: ActorScope): Promise<Delivery>
  /**
   * Sends all deliveries again that a filter lets through, whatever their state, endpoint by endpoint, in their turn: pauses end, limits
   * hold. What is disabled, deleted or only read gets nothing. `count` tells how many there are.
   *
   * @returns the job that does it: small ones have ended by then, large ones go on after a restart.
   * @throws WebhookSenderError `endpoint_not_found`, `invalid_argument`
   * @example
   * ```ts
   * import type { WebhookSender } from '@x/sender'
   *
   * async function resendAfterOutage(sender: WebhookSender, tenantId: number, since: Date): Promise<void> {
   *   const outage = { tenantId, state: 'exhausted', status: '5xx', createdAfter: since } as const
   *   const { count } = await sender.deliveries.count(outage)
   *   if (count > 0) await sender.deliveries.resendMany(outage)
   * }
   * ```
   */
  resendMany(filter: DeliveryFilter, by?: Pick<ActorScope, 'actor'>): Promise<WebhookJob>
  /**
   * Cancels all pending deliveries that a filter lets through.
   *
   * @returns the job that does it: small ones have ended by then, large ones go on after a restart.
   * @throws WebhookSenderError `endpoint_not_found`, `invalid_argument`
   */
  cancelMany(filter: Omit<DeliveryFilter, 'state'>, by?: Pick<ActorScope, 'actor'>): Promise<WebhookJob>
  /**
   * Cancels every pending delivery of an endpoint.
   *
   * @returns the job that does it: small ones have ended by then, large ones go on after a restart.
   * @throws WebhookSenderError `endpoint_not_found`, `invalid_argument`
   */
  cancelPending(endpointId: string, options?: CancelDeliveries): Promise<WebhookJob>
  /**
   * Sends every exhausted delivery of an endpoint again, in their turn: the endpoint's pause ends, its limits hold.
   *
   * @returns the job that does it: small ones have ended by then, large ones go on after a restart.
   * @throws WebhookSenderError `endpoint_not_found`, `invalid_argument`
   */
  recover(endpointId: string, options: RecoverDeliveries): Promise<WebhookJob>
  /**
   * Sends an endpoint what it has got once more, and what it has never got: events of its tenant and site that
   * the log still has, or that others have got, and that its `eventTypes` want by now. The `webhook-id` is that of the event, as ever,
   * so that a consumer drops what it has.
   *
   * @returns the job that does it: small ones have ended by then, large ones go on after a restart.
   * @throws WebhookSenderError `endpoint_not_found`, `endpoint_disabled`, `invalid_argument`
   */
  replay(endpointId: string, options: ReplayDeliveries): Promise<WebhookJob>
}

/** What {@link createDeliveries} works with. */
export interface DeliveriesParts {
  readonly store: DeliveryStore
  readonly userAgent: string
  readonly webhookOrigin: string | undefined
  readonly reasons: DeliveryReasons
  /** Called when something has become due. */
  due(endpointKey: number): void
  /** Called when a delivery was cancelled, so that what this process has read of it is forgotten. */
  cancelled(key: DeliveryKey): void
  begin(
    kind: JobKind,
    endpoint: EndpointRow,
    options: StoredJobOptions,
    actor: string | null,
  ): Promise<WebhookJob>
  beginFiltered(
    kind: 'resend' | 'cancel',
    endpoint: EndpointRow | undefined,
    filter: CheckedFilter,
    actor: string | null,
  ): Promise<WebhookJob>
}

const SHOW: FieldNames<ShowDelivery> = { tenantId: true, revealHeaders: true }
const ATTEMPTS: FieldNames<ListAttempts> = { ...SHOW, before: true, limit: true }
const CANCEL: FieldNames<CancelDeliveries> = { ...SCOPE, until: true, eventTypes: true }
const RECOVER: FieldNames<RecoverDeliveries> = { ...CANCEL, since: true }
const REPLAY: FieldNames<ReplayDeliveries> = { ...RECOVER, include: true }
const INCLUDES = ['all', 'unsuccessful', 'missing']

/** Creates the deliveries of a sender. */
export function createDeliveries(parts: DeliveriesParts): Deliveries {
  const { store, userAgent, webhookOrigin, reasons, due, cancelled, begin, beginFiltered } = parts

  async function find(id: string, scope?: TenantScope): Promise<DeliveryRow> {
    const tenantId = tenantOf(scope)
    const key = parseDeliveryId(id)
    const row = key && (await store.findDelivery(key))
    if (row && (tenantId === undefined || row.tenantId === tenantId)) return row
    throw new WebhookSenderError('delivery_not_found', `There is no delivery ${shown(id)}.`)
  }

  /** What was sent straight from the log is composed again from its event. */
  async function readMessage(messageKey: number): Promise<Message> {
    return (await store.composeStraight(messageKey)) ?? store.readMessage(messageKey)
  }

  async function readAttempts(
    row: DeliveryRow,
    { headers }: Message,
    revealHeaders: boolean,
    limit: number,
    before?: number,
  ): Promise<DeliveryAttempt[]> {
    const endpoint = await store.findEndpoint(row.endpointId)
    const composing = { userAgent, webhookOrigin, messageHeaders: headers }
    const context = { delivery: row, endpoint, ...composing, revealHeaders }
    return (await store.readAttempts(row, limit, before)).map((attempt) => attemptOf(attempt, context))
  }

  async function describe(row: DeliveryRow): Promise<Delivery> {
    return (await reasons.describe([row]))[0] as Delivery
  }

  async function findEndpoint(id: string, scope?: TenantScope): Promise<EndpointRow> {
    const tenantId = tenantOf(scope)
    const endpoint = isUniqueId('ep_', id) ? await store.findEndpoint(id) : undefined
    if (endpoint && (tenantId === undefined || endpoint.tenantId === tenantId)) return endpoint
    throw endpointNotFound(id)
  }

  async function changeMany(
    kind: 'resend' | 'cancel',
    given: DeliveryFilter,
    by: Pick<ActorScope, 'actor'> | undefined,
  ): Promise<WebhookJob> {
    const actor = readActor(by)
    const filter = readFilter(assertArgument.fields('', given, FILTER))
    const { endpointId } = filter
    const endpoint =
      endpointId === undefined ? undefined : await findEndpoint(endpointId, { tenantId: filter.tenantId })
    return beginFiltered(kind, endpoint, filter, actor)
  }

  return {
    ...createDeliverySearch(store, reasons),

    async get(id, options) {
      const { revealHeaders = false, ...scope } = assertArgument.fields('', options, SHOW)
      assertArgument.boolean('revealHeaders', revealHeaders)
      const row = await find(id, scope)
      const message = await readMessage(row.messageKey)
      const attempts = await readAttempts(row, message, revealHeaders, MAX_ATTEMPTS_SHOWN)
      const { delivery, resend } = await reasons.explain(row)
      return { ...delivery, resend, body: message.body, attempts: attempts.reverse() }
    },

    async attempts(id, options) {
      const { before, limit, revealHeaders = false, ...scope } = assertArgument.fields('', options, ATTEMPTS)
      assertArgument.boolean('revealHeaders', revealHeaders)
      const number =
        before === undefined
          ? undefined
          : assertArgument.integer('before', before, 1, Number.MAX_SAFE_INTEGER)
      const count = readLimit(limit)
      const row = await find(id, scope)
      return readAttempts(row, await readMessage(row.messageKey), revealHeaders, count, number)
    },

    async resend(id, scope) {
      const actor = readActor(scope)
      const row = await find(id, scope)
      await store.storeStraight(undefined, row.endpointKey, [row.messageKey])
      const notSent = await store.resend(row, actor)
      if (notSent === 'disabled') throw endpointDisabled(row.endpointId)
      if (notSent === 'pull') throw noUrl(row.endpointId)
      if (notSent === 'deleted') {
        throw new WebhookSenderError(
          'delivery_cancelled',
          `The endpoint of delivery ${id} was deleted; there is nowhere to send it to.`,
        )
      }
      const sent = await find(id, scope)
      due(row.endpointKey)
      return describe(sent)
    },

    async cancel(id, scope) {
      const actor = readActor(scope)
      const key = await find(id, scope)
      if (await store.cancel(key, actor)) cancelled(key)
      const row = await find(id, scope)
      if (row.state !== 'cancelled') throw notPending(id, row.state)
      return describe(row)
    },

    resendMany: (filter, by) => changeMany('resend', filter, by),

    cancelMany: async (filter, by) =>
      changeMany('cancel', { ...assertArgument.fields('', filter, FILTER), state: 'pending' }, by),

    async cancelPending(endpointId, options) {
      const { until, eventTypes, ...scope } = assertArgument.fields('', options, CANCEL)
      const endpoint = await findEndpoint(endpointId, scope)
      return begin('cancel', endpoint, readOptions({ until, eventTypes }), readActor(scope))
    },

    async recover(endpointId, options) {
      const { since, until, eventTypes, ...scope } = assertArgument.fields('', options, RECOVER)
      const endpoint = await findEndpoint(endpointId, scope)
      const range = { since: readTime('since', since), ...readOptions({ since, until, eventTypes }) }
      return begin('recover', endpoint, range, readActor(scope))
    },

    async replay(endpointId, options) {
      const query = assertArgument.fields('', options, REPLAY)
      const { since, until, eventTypes, include = 'all', ...scope } = query
      const endpoint = await findEndpoint(endpointId, scope)
      assertArgument(INCLUDES.includes(include), 'include', `one of ${INCLUDES.join(', ')}`, include)
      const range = { since: readTime('since', since), ...readOptions({ since, until, eventTypes }) }
      if (!endpoint.enabled) throw endpointDisabled(endpointId)
      return begin('replay', endpoint, { ...range, include }, readActor(scope))
    },
  }
}

function notPending(id: string, state: DeliveryState): WebhookSenderError {
  return new WebhookSenderError(
    'delivery_not_pending',
    state === 'pull'
      ? `The delivery ${id} is not sent; only what is pending can be cancelled.`
      : `The delivery ${id} has ${state} already; only what is pending can be cancelled.`,
  )
}

function readOptions({
  since,
  until,
  eventTypes,
}: CancelDeliveries & { readonly since?: Date | undefined }): StoredJobOptions {
  const types = validateEventTypes(eventTypes)
  return {
    ...readTimeRange(['since', since], ['until', until]),
    ...(types === undefined ? {} : { eventTypes: types }),
  }
}
