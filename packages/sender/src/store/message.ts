import type { SqlExecutor } from '@x/events-engine/internal'

/** Whom a message goes to, and how. */
export interface MessageTarget {
  readonly endpointKey: number
  /** Deliveries of one lane follow each other; null for one that is in none. */
  readonly lane: string | null
  /** When its first attempt is due, if it need not wait for another delivery of its lane. */
  readonly dueOn: number
}

/** A rendered message, and whom it goes to. */
export interface MessageToStore {
  readonly eventId: string
  readonly eventType: string
  /** The event's, by which it is decided whether an endpoint may have it later. */
  readonly tenantId: number
  readonly siteId: number
  /** The form it is in; null for the usual one. Of one event, there is one message of each. */
  readonly variant: string | null
  readonly body: string
  /** Instead of the usual content type, name and value in turn; null for the usual one. */
  readonly headers: readonly string[] | null
  /** The trace that its attempts belong to; null where there is none. */
  readonly traceparent: string | null
  readonly targets: readonly MessageTarget[]
}

/** Why nothing is sent that a person has asked for. */
export type NotSent = 'disabled' | 'deleted' | 'not_found'

/** Stores messages in a transaction, and gives their keys. */
export type StoreMessages = (
  trx: SqlExecutor,
  messages: readonly MessageToStore[],
  now: number,
) => Promise<number[]>
