import type { SqlExecutor } from '@x/events-engine/support'
import type { DeliveryState } from '../deliveries/delivery.ts'

/** Which deliveries of an endpoint to read: of messages after one, up to another. */
export interface DeliveryWindow {
  readonly endpointKey: number
  readonly after: number
  readonly upto: number
  readonly state: 'exhausted' | undefined
  readonly limit: number
}

/** What decides whether something is done to a delivery. */
export interface WindowedDelivery {
  readonly messageKey: number
  readonly state: DeliveryState
  readonly createdOn: number
  readonly eventType: string
}

/** A message that may be given to one more endpoint. */
export interface StoredMessage {
  readonly key: number
  readonly eventId: string
  readonly eventType: string
  readonly tenantId: number
  readonly siteId: number
  readonly createdOn: number
  readonly variant: string | null
}

/** A delivery of a message that is stored already. */
export interface AddedDelivery {
  readonly messageKey: number
  readonly createdOn: number
  readonly lane: string | null
}

/**
 * What jobs do to many deliveries of one endpoint, in a transaction that has written already, with the endpoint
 * locked.
 */
export interface BulkStore {
  /** Tells how an endpoint stands, and keeps it so until the transaction ends. */
  lockEndpoint(trx: SqlExecutor, endpointKey: number): Promise<'enabled' | 'disabled' | 'deleted'>
  /**
   * Makes deliveries due in their turn, and ends the endpoint's pause; those that had come to rest begin their
   * schedules anew. In a lane they wait for the one that is due there, and go before those that are younger.
   *
   * @returns how many.
   */
  resendIn(
    trx: SqlExecutor,
    endpointKey: number,
    messageKeys: readonly number[],
    now: number,
  ): Promise<number>
  /** @returns how many of them were pending. */
  cancelIn(
    trx: SqlExecutor,
    endpointKey: number,
    messageKeys: readonly number[],
    now: number,
  ): Promise<number>
  /** Deliveries of an endpoint, the oldest first. */
  readWindow(trx: SqlExecutor, window: DeliveryWindow): Promise<WindowedDelivery[]>
  /** How many there are of a state and time, about, and between which messages they lie. */
  windowOf(
    endpointKey: number,
    state: 'exhausted' | 'pending' | undefined,
    time: { readonly since?: number | undefined; readonly until?: number | undefined },
  ): Promise<{ readonly count: number; readonly after: number; readonly upto: number }>
  /** Messages of all tenants, the oldest first. */
  readMessages(
    trx: SqlExecutor,
    window: { readonly after: number; readonly upto: number; readonly limit: number },
  ): Promise<StoredMessage[]>
  /** Between which messages those of a time lie, about. */
  messagesOf(time: {
    readonly since?: number | undefined
    readonly until?: number | undefined
  }): Promise<{ readonly after: number; readonly last: number }>
  addDeliveries(
    trx: SqlExecutor,
    endpointKey: number,
    deliveries: readonly AddedDelivery[],
    now: number,
  ): Promise<void>
  /** Which of these events an endpoint has deliveries of. */
  findEventsHad(
    trx: SqlExecutor | undefined,
    endpointKey: number,
    eventIds: readonly string[],
  ): Promise<string[]>
}
