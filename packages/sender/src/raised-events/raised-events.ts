import {
  ALL_SITES,
  ALL_TENANTS,
  type Clock,
  createSyncEvent,
  eventTypeOf,
  type FieldNames,
  matchesEventType,
  type SyncEvent,
  shown,
} from '@x/events-core'
import { isStorable, type LogReader, sequenceOf } from '@x/events-engine/internal'
import { readLimit, readTimeRange } from '../argument.ts'
import type { Delivery } from '../deliveries/delivery.ts'
import type { DeliveryReasons } from '../deliveries/reasons.ts'
import type { EndpointFilterRow, EndpointRow } from '../endpoints/fields.ts'
import { type EndpointRules, validateEventTypes, validateTenantId } from '../endpoints/validate.ts'
import { assertArgument, WebhookSenderError } from '../errors.ts'
import { isTestEvent, isUniqueId } from '../ids.ts'
import type { Messages } from '../messages/compose.ts'
import { storedPayload } from '../messages/message.ts'
import { isOperational, wantsOperational } from '../operational-events.ts'
import type { DisabledTime } from '../store/audit-log.ts'
import type { DeliveryStore } from '../store/store.ts'
import type {
  EventDetails,
  EventOutcome,
  FindEvents,
  NoDeliveryReason,
  RaisedEvent,
  RaisedEvents,
} from './raised-event.ts'

/** What {@link createRaisedEvents} works with. */
export interface RaisedEventsParts {
  readonly store: DeliveryStore
  readonly log: LogReader
  readonly clock: Clock
  readonly rules: EndpointRules
  readonly reasons: DeliveryReasons
  /** The sender's own, by which events become deliveries. */
  readonly subscription: string
  readonly retentionMs: number
  createMessages(): Messages
}

/** An event as it is known: from the log, or from a message that is kept longer. */
interface KnownEvent {
  readonly event: SyncEvent
  /** Undefined where the log has it no more. */
  readonly sequence: number | undefined
}

/** What is the same for all endpoints that got no delivery. */
interface Circumstances extends KnownEvent {
  readonly hasPassed: boolean
  readonly parkedOn: number | undefined
  /** Deliveries of the time may be deleted. */
  readonly isExpired: boolean
  /** The endpoints that were disabled when it was raised. */
  readonly disabled: ReadonlyMap<number, DisabledTime>
  /** The keys of endpoints whose filters let it through; undefined where that is not known. */
  readonly wanting: ReadonlySet<number> | undefined
}

const FIND: FieldNames<FindEvents> = {
  tenantId: true,
  entityName: true,
  entityId: true,
  eventType: true,
  since: true,
  until: true,
  before: true,
  limit: true,
}
const GET: FieldNames<{ readonly tenantId: number }> = { tenantId: true }
const MAX_ENDPOINTS = 1_000
const CURSOR = /^(0|[1-9]\d{0,14})$/

/** Creates the search for events and the endpoints that got them. */
export function createRaisedEvents(parts: RaisedEventsParts): RaisedEvents {
  const { store, log, clock, rules, reasons, subscription, retentionMs, createMessages } = parts

  async function known(id: string, tenantId: number): Promise<KnownEvent | undefined> {
    const event = await log.find(id)
    if (event) return { event, sequence: Number(sequenceOf(event)) }
    const message = await store.findMessageOf(id, tenantId)
    if (!message) return undefined
    const { data } = storedPayload(message, message) as {
      readonly data: Pick<SyncEvent, 'entityName' | 'entityId' | 'action'>
    }
    const { siteId, createdOn } = message
    const about = { ...data, id, tenantId: message.tenantId, siteId, modifiedOn: new Date(createdOn) }
    return { event: createSyncEvent(about), sequence: undefined }
  }

  /** Composes what each would get, as fan-out does. */
  async function wantingOf(
    event: SyncEvent,
    endpoints: readonly EndpointFilterRow[],
  ): Promise<ReadonlySet<number> | undefined> {
    const eventType = eventTypeOf(event)
    const { composer, renderings } = createMessages()
    try {
      const tasks = composer.tasks(event, eventType, endpoints)
      await renderings?.render(tasks, new AbortController().signal)
      const composed = composer.compose(event, eventType, endpoints)
      return new Set(composed.flatMap((one) => one.endpoints.map(({ key }) => key)))
    } catch {
      // No message can be made of it: that is why it is parked.
      return undefined
    }
  }

  async function circumstancesOf(
    { event, sequence }: KnownEvent,
    hasPassed: boolean,
    endpoints: readonly EndpointRow[],
  ): Promise<Circumstances> {
    const filtered = endpoints.filter((one) => one.filter !== null && mismatch(event, one) === undefined)
    return {
      event,
      sequence,
      hasPassed,
      disabled: await store.disabledAt(
        endpoints.map(({ key }) => key),
        event.modifiedOn.getTime(),
      ),
      parkedOn: await log.parkedOn(subscription, event.id),
      isExpired: event.modifiedOn.getTime() < clock.now() - retentionMs,
      wanting:
        sequence === undefined || filtered.length === 0
          ? undefined
          : await wantingOf(event, filtered.map(filterRowOf)),
    }
  }

  return {
    async find(given) {
      const query = assertArgument.fields('', given, FIND)
      const { entityName, entityId, eventType, before } = query
      const tenantId = validateTenantId(query.tenantId)
      const isName = entityName === undefined || isStorable(entityName)
      assertArgument(isName, 'entityName', 'the name of an entity', entityName)
      const isId = entityId === undefined || typeof entityId === 'string' || Number.isFinite(entityId)
      assertArgument(isId, 'entityId', 'the id of an entity', entityId)
      const isCursor = before === undefined || (typeof before === 'string' && CURSOR.test(before))
      assertArgument(isCursor, 'before', 'the next of a page', before)
      const [pattern] = eventType === undefined ? [] : validateEventTypes([eventType], rules)
      const limit = readLimit(query.limit)
      const found = await log.search({
        ...partsOf(pattern, entityName),
        ...readTimeRange(['since', query.since], ['until', query.until]),
        tenantId,
        entityId: entityId === undefined ? undefined : String(entityId),
        before: before === undefined ? undefined : Number(before),
        // One more, to know whether there is another page.
        limit: limit + 1,
        wants: (event) => pattern === undefined || matchesEventType(pattern, eventTypeOf(event)),
      })
      const items = found.events.slice(0, limit)
      const last = items.at(-1)
      const isFull = found.events.length > limit
      const next = isFull && last ? sequenceOf(last) : found.next
      return {
        items: items.map(raisedEventOf),
        ...(next === undefined ? {} : { next: String(next) }),
        ...(isFull || next === undefined || found.searchedTo === undefined
          ? {}
          : { searchedBackTo: new Date(found.searchedTo) }),
      }
    },

    async get(id, scope) {
      const tenantId = validateTenantId(assertArgument.fields('', scope, GET).tenantId)
      const found = isUniqueId('evt_', id) ? await known(id, tenantId) : undefined
      if (!found || (found.event.tenantId !== tenantId && found.event.tenantId !== ALL_TENANTS)) {
        throw new WebhookSenderError('event_not_found', `There is no event ${shown(id)}.`)
      }
      const { event, sequence } = found
      // Before its deliveries are read: what is passed by then has all of them.
      const hasPassed = sequence === undefined || (await log.hasPassed(subscription, sequence))
      const candidates = await store.deliveriesOfEvent(
        { tenantId, endpointId: undefined, url: undefined },
        id,
      )
      const deliveries = await reasons.describe(candidates.flatMap(({ row }) => row ?? []))
      const endpoints = await store.listEndpoints({ tenantId, limit: MAX_ENDPOINTS + 1 })
      const left = withoutDelivery(endpoints, deliveries)
      const shownOnes = left.slice(0, MAX_ENDPOINTS)
      const circumstances = await circumstancesOf(found, hasPassed, shownOnes)
      const byId = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]))
      return {
        ...raisedEventOf(event),
        isInLog: sequence !== undefined,
        endpoints: [
          ...deliveries.map((delivery) => ({
            ...aboutEndpoint(delivery.endpointId, byId.get(delivery.endpointId), event),
            delivery,
          })),
          ...shownOnes.map((endpoint) => ({
            ...aboutEndpoint(endpoint.id, endpoint, event),
            reason: reasonOf(endpoint, circumstances),
          })),
        ],
        hasMoreEndpoints: left.length > MAX_ENDPOINTS || endpoints.length > MAX_ENDPOINTS,
      } satisfies EventDetails
    },
  }
}

/** What of an event's type the database can compare. */
function partsOf(pattern: string | undefined, entityName: string | undefined) {
  const [name, action] = pattern?.split('.') ?? []
  const fixed = (part: string | undefined) => (part === '*' ? undefined : part)
  return { entityName: entityName ?? fixed(name), action: fixed(action) }
}

function raisedEventOf(event: SyncEvent): RaisedEvent {
  const { id, tenantId, siteId, entityName, entityId, modifiedOn } = event
  return { id, tenantId, siteId, eventType: eventTypeOf(event), entityName, entityId, raisedOn: modifiedOn }
}

function withoutDelivery(endpoints: readonly EndpointRow[], deliveries: readonly Delivery[]): EndpointRow[] {
  const had = new Set(deliveries.map(({ endpointId }) => endpointId))
  return endpoints.filter(({ id }) => !had.has(id))
}

function aboutEndpoint(
  endpointId: string,
  endpoint: EndpointRow | undefined,
  { modifiedOn }: SyncEvent,
): Pick<EventOutcome, 'endpointId' | 'url' | 'description' | 'changedOn'> {
  const { url = null, description = '', updatedOn = 0 } = endpoint ?? {}
  return {
    endpointId,
    ...(url === null ? {} : { url }),
    description,
    ...(updatedOn > modifiedOn.getTime() ? { changedOn: new Date(updatedOn) } : {}),
  }
}

function filterRowOf(endpoint: EndpointRow): EndpointFilterRow {
  return { ...endpoint, isPull: endpoint.url === null }
}

/** Why an endpoint, as it is now, would get no event of the kind. */
function mismatch(event: SyncEvent, endpoint: EndpointRow): NoDeliveryReason | undefined {
  const { eventTypes, siteId } = endpoint
  const eventType = eventTypeOf(event)
  if (isTestEvent(event.id)) return { code: 'test' }
  if (isOperational(event) && !wantsOperational(endpoint, event)) return { code: 'operational' }
  if (!eventTypes.some((pattern) => matchesEventType(pattern, eventType))) {
    return { code: 'event_type', eventTypes }
  }
  const isEverywhere = event.tenantId === ALL_TENANTS && event.siteId === ALL_SITES
  return siteId === null || siteId === event.siteId || isEverywhere ? undefined : { code: 'site', siteId }
}

function reasonOf(endpoint: EndpointRow, circumstances: Circumstances): NoDeliveryReason {
  const { event, hasPassed, parkedOn, isExpired, wanting, sequence } = circumstances
  const wasDisabled = circumstances.disabled.get(endpoint.key)
  const { createdOn, updatedOn, enabled, disabledOn, disabledReason, filter } = endpoint
  const raisedOn = event.modifiedOn.getTime()
  const mismatched = mismatch(event, endpoint)
  if (mismatched) return mismatched
  if (createdOn > raisedOn && hasPassed) return { code: 'created_later', createdOn: new Date(createdOn) }
  if (!enabled && disabledOn !== null && (disabledOn <= raisedOn || !hasPassed)) {
    return { code: 'disabled', since: new Date(disabledOn), reason: disabledReason ?? 'manual' }
  }
  if (wasDisabled?.until && hasPassed) {
    const { since, until, reason } = wasDisabled
    return { code: 'disabled', since: new Date(since), until: new Date(until), reason }
  }
  if (filter !== null && wanting && !wanting.has(endpoint.key)) return { code: 'filter' }
  if (parkedOn !== undefined) return { code: 'parked', on: new Date(parkedOn) }
  if (!hasPassed) return { code: 'not_reached' }
  if (isExpired || sequence === undefined) return { code: 'expired' }
  return updatedOn > raisedOn ? { code: 'changed', on: new Date(updatedOn) } : { code: 'unknown' }
}
