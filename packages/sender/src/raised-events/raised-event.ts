import type { EventTypePattern } from '@x/events-core'
import type { Delivery } from '../deliveries/delivery.ts'
import type { DisabledReason } from '../endpoints/endpoint.ts'

/** An event that the host has raised, without what it carries. */
export interface RaisedEvent {
  /** `evt_...`, the `webhook-id` of its messages. */
  readonly id: string
  /** `ALL_TENANTS` (-1) for one of all tenants. */
  readonly tenantId: number
  readonly siteId: number
  readonly eventType: string
  readonly entityName: string
  readonly entityId: number | string
  readonly raisedOn: Date
}

/** Which events to find: the newest first. */
export interface FindEvents {
  /** Its events, and those of all tenants. */
  readonly tenantId: number
  readonly entityName?: string | undefined
  /** 7 and '7' find the same. */
  readonly entityId?: number | string | undefined
  /** A type or a pattern. */
  readonly eventType?: EventTypePattern | undefined
  /** Those raised at this time or later. */
  readonly since?: Date | undefined
  /** Those raised before this time. */
  readonly until?: Date | undefined
  /** The `next` of the page before. */
  readonly before?: string | undefined
  /**
   * 1 to 250.
   * @defaultValue 50
   */
  readonly limit?: number | undefined
}

/** A page of events that were found. */
export interface EventPage {
  /** The newest first. */
  readonly items: readonly RaisedEvent[]
  /** To be given as `before` for the next page; absent when there is no more. */
  readonly next?: string
  /**
   * How far back the search has looked, where it ended before the page was full: it looks at 50,000 events of the host at most. `next` goes
   * on from there.
   */
  readonly searchedBackTo?: Date
}

/** Why an endpoint has got no delivery of an event. */
export type NoDeliveryReason =
  /** None of its `eventTypes` is the event's. */
  | { readonly code: 'event_type'; readonly eventTypes: readonly string[] }
  /** It wants events of another site. */
  | { readonly code: 'site'; readonly siteId: number }
  /** Its content filter does not let the event through. */
  | { readonly code: 'filter' }
  /** It is about the sender's own work: only endpoints that name its type get it, and never the one that it is about. */
  | { readonly code: 'operational' }
  /** It is a test of another endpoint. */
  | { readonly code: 'test' }
  /** The endpoint was created after the event was raised. */
  | { readonly code: 'created_later'; readonly createdOn: Date }
  /** It was disabled then: until now, or until it was enabled. */
  | {
      readonly code: 'disabled'
      readonly since: Date
      readonly until?: Date
      readonly reason: DisabledReason
    }
  /** The event was not turned into deliveries yet. */
  | { readonly code: 'not_reached' }
  /** No message could be made of the event, which is parked for the host's operators. */
  | { readonly code: 'parked'; readonly on: Date }
  /** Its deliveries are deleted, since they are older than deliveries are kept. */
  | { readonly code: 'expired' }
  /** The endpoint was changed after the event was raised: it was disabled then, or set up otherwise. */
  | { readonly code: 'changed'; readonly on: Date }
  | { readonly code: 'unknown' }

/** What came of an event at one endpoint: a delivery, or the reason why there is none. */
export interface EventOutcome {
  readonly endpointId: string
  /** Absent where messages are only read, and of a deleted endpoint. */
  readonly url?: string
  readonly description: string
  /** Absent where there is none. */
  readonly delivery?: Delivery
  /** Absent where there is a delivery. */
  readonly reason?: NoDeliveryReason
  /**
   * When the endpoint was changed last, if that was after the event: a `reason` that is told from its types, site or filter is that of
   * now.
   */
  readonly changedOn?: Date
}

/** An event, and what came of it. */
export interface EventDetails extends RaisedEvent {
  /** Whether the log still has it. If not, filters cannot be tried on it. */
  readonly isInLog: boolean
  /** Those with a delivery first, then the newest: 1,000 without a delivery at most. */
  readonly endpoints: readonly EventOutcome[]
  /** Whether there are further endpoints without a delivery. */
  readonly hasMoreEndpoints: boolean
}

/**
 * What the host has raised, and who got it.
 *
 * @example
 * ```ts
 * import type { WebhookSender } from '@x/sender'
 *
 * async function whoGot(sender: WebhookSender, tenantId: number, invoiceId: number): Promise<void> {
 *   const { items } = await sender.events.find({ tenantId, entityName: 'Invoice', entityId: invoiceId })
 *   for (const { id } of items) {
 *     const { endpoints } = await sender.events.get(id, { tenantId })
 *     for (const { url, delivery, reason } of endpoints) console.log(id, url, delivery?.state ?? reason?.code)
 *   }
 * }
 * ```
 */
export interface RaisedEvents {
  /**
   * Finds events that the log still has.
   *
   * @throws WebhookSenderError `invalid_argument`
   */
  find(query: FindEvents): Promise<EventPage>
  /**
   * Tells of every endpoint of a tenant whether it got an event, and if not, why not. An event that the log has no more is found as long
   * as a stored message of it is kept.
   *
   * @throws WebhookSenderError `event_not_found`, also for an event of another tenant.
   */
  get(id: string, scope: { readonly tenantId: number }): Promise<EventDetails>
}
