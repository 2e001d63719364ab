import type { AttemptErrorCode } from './attempt-error-code.ts'
import type { DeliveryReason, ResendEffect } from './delivery-reason.ts'

/**
 * The state of a delivery. `pending`: an attempt is due, now or later. `succeeded`: the consumer responded with 2xx.
 * `exhausted`: the last attempt of the schedule failed, or the consumer responded with 410 Gone. `cancelled`: a person
 * cancelled it or deleted the endpoint, or the host's `canReceive` returned false (`lastErrorCode` is `not_allowed`).
 * `pull`: its endpoint has no URL, and the message is there to be read.
 */
export type DeliveryState = 'pending' | 'succeeded' | 'exhausted' | 'cancelled' | 'pull'

const STATES: Readonly<Record<DeliveryState, true>> = {
  pending: true,
  succeeded: true,
  exhausted: true,
  cancelled: true,
  pull: true,
}

export const DELIVERY_STATES = Object.keys(STATES) as DeliveryState[]

/** One message for one endpoint. */
export interface Delivery {
  /** `dlv_` and two numbers. */
  readonly id: string
  readonly endpointId: string
  readonly tenantId: number
  /** The event's id, which is the `webhook-id` of every attempt. */
  readonly eventId: string
  readonly eventType: string
  readonly state: DeliveryState
  /** Why it is in this state: what it waits for, or how it has ended. */
  readonly reason: DeliveryReason
  /** Attempts so far. */
  readonly attemptCount: number
  /** When the next attempt is due; absent unless pending, and while it waits for another one's end (`ordering`). */
  readonly dueOn?: Date
  readonly createdOn: Date
  /** When it reached its final state; absent while pending. */
  readonly finishedOn?: Date
  /** The status of the last response. */
  readonly lastStatus?: number
  readonly lastErrorCode?: AttemptErrorCode
  /** The number of the message among those of the endpoint; absent where it has none. */
  readonly sequence?: number
  /** Whether it is a test of the endpoint; absent otherwise. */
  readonly test?: boolean
}

/**
 * One HTTP request of a delivery, with its outcome. Headers, connection and timings are kept of attempts that failed, of those
 * that a person asked for (tests among them), and of all that follow another one. Of a success at once, the request is
 * composed again from what is known.
 */
export interface DeliveryAttempt {
  /** 1 for the first. */
  readonly number: number
  readonly startedOn: Date
  /** From its beginning to the end of the response, in milliseconds. */
  readonly durationMs: number
  readonly request: AttemptRequest
  /** Absent when there was no response. */
  readonly response?: AttemptResponse
  /** Absent where it was not kept, and where no connection was begun. */
  readonly connection?: AttemptConnection
  /** Absent where they were not kept, and where no connection was begun. */
  readonly timings?: AttemptTimings
  /** Absent when the attempt has succeeded. */
  readonly errorCode?: AttemptErrorCode
  readonly errorMessage?: string
}

/** The request of an attempt. */
export interface AttemptRequest {
  readonly method: 'POST'
  readonly url: string
  /**
   * All but `host`, `connection` and `content-length`, which follow from the URL and the body. Values that
   * `maskedHeaders` names are `***`.
   */
  readonly headers: Readonly<Record<string, string>>
  /** Headers whose values are not shown: the endpoint's own, and others that look like credentials. */
  readonly maskedHeaders: readonly string[]
  /**
   * `kept`: the headers are those that were sent. `composed`: they were composed again; `traceparent` and
   * `webhook-sequence-signature` are missing, and so are the endpoint's own headers where it was changed since.
   */
  readonly source: 'kept' | 'composed'
}

/** The response to an attempt. */
export interface AttemptResponse {
  readonly status: number
  /** The first 4 KB. */
  readonly body: string
  /**
   * The first 32 that take 4 KB together, values that look like credentials as `***`; absent where they were not kept.
   */
  readonly headers?: Readonly<Record<string, string>>
  /** How many further headers there were. */
  readonly omittedHeaders?: number
}

/** The connection of an attempt. */
export interface AttemptConnection {
  /** Whether it was open already: then there are no timings of how it was opened. */
  readonly reused: boolean
  /** Whether it went through the proxy of `network.proxy`; then the consumer's address is not known. */
  readonly viaProxy: boolean
  readonly httpVersion: '1.1'
  /** The consumer's address; where no connection came about, the last one that was tried. */
  readonly remoteAddress?: string
  readonly remotePort?: number
  /** Such as `TLSv1.3`; absent without TLS, or before its handshake. */
  readonly tlsVersion?: string
}

/** How long the steps of an attempt took, in milliseconds. A step that was not made, or did not end, is absent. */
export interface AttemptTimings {
  /** Resolving the name. */
  readonly dnsMs?: number
  /** TCP, or the tunnel of a proxy. */
  readonly connectMs?: number
  /** The TLS handshake. */
  readonly tlsMs?: number
  /** From the request to the first byte of the response. */
  readonly firstByteMs?: number
}

/** A delivery with everything about it. */
export interface DeliveryDetails extends Delivery {
  /** What `deliveries.resend` would do now. */
  readonly resend: ResendEffect
  /** What was sent, to the byte. */
  readonly body: string
  /**
   * The newest 100, oldest first; `attemptCount` tells how many there were, and `deliveries.attempts` has the others.
   */
  readonly attempts: readonly DeliveryAttempt[]
}

/** How to show a delivery. */
export interface ShowDelivery {
  /** Narrows it to a tenant: of another, there is no such delivery. */
  readonly tenantId?: number | undefined
  /**
   * Whether to show the values of the request's headers that are masked otherwise. Of the endpoint's own headers, those
   * that still are what was sent can be shown: attempts keep no copy of credentials.
   * @defaultValue false
   */
  readonly revealHeaders?: boolean | undefined
}

/** Which attempts of a delivery to list: the newest first. */
export interface ListAttempts extends ShowDelivery {
  /** The number of the last attempt of the page before. */
  readonly before?: number | undefined
  /**
   * 1 to 250.
   * @defaultValue 50
   */
  readonly limit?: number | undefined
}

/** How many attempts of a delivery are shown with it. */
export const MAX_ATTEMPTS_SHOWN = 100

/** The status of a response, or all of a class of them. */
export type StatusFilter = number | '1xx' | '2xx' | '3xx' | '4xx' | '5xx'

/** Which deliveries are meant: those to which everything that is given applies. */
export interface DeliveryFilter {
  readonly tenantId: number
  readonly endpointId?: string | undefined
  /** Those of endpoints whose URL contains this text, in any case; 1 to 200 characters. */
  readonly url?: string | undefined
  /** Those of one event, which is the `webhook-id` of their requests. */
  readonly eventId?: string | undefined
  /** An event type or a pattern of them, in any case: `File.Download`, `File.*`, `*.Delete`. */
  readonly eventType?: string | undefined
  /** One state, or several. */
  readonly state?: DeliveryState | readonly DeliveryState[] | undefined
  /** Those whose last attempt got a response of this status, or of this class. */
  readonly status?: StatusFilter | undefined
  /** Those whose last attempt failed with this code. */
  readonly errorCode?: AttemptErrorCode | undefined
  /** `true`: those with an attempt that failed, also where a later one succeeded. `false`: those without. */
  readonly hasFailedAttempts?: boolean | undefined
  /** Those created at this time or later. */
  readonly createdAfter?: Date | undefined
  /** Those created before this time. */
  readonly createdBefore?: Date | undefined
}

/** Which deliveries to list: the newest first. */
export interface ListDeliveries extends DeliveryFilter {
  /** The id of the last delivery of the page before. */
  readonly before?: string | undefined
  /**
   * 1 to 250.
   * @defaultValue 50
   */
  readonly limit?: number | undefined
}

/** What to search deliveries for: the newest first. */
export interface SearchDeliveries extends ListDeliveries {
  /**
   * The id of a delivery (`dlv_...`), of an event (`evt_...`) or of an endpoint (`ep_...`), or else a text that the body
   * or the endpoint's URL contains, in any case; 1 to 200 characters.
   */
  readonly search?: string | undefined
}

/** What a search has found. */
export interface DeliveryPage {
  /** The newest first. */
  readonly items: readonly Delivery[]
  /** To be given as `before` for the next page; absent when there is no more. */
  readonly next?: string
  /**
   * How far back the search has looked, where it ended before the page was full: one looks at so many deliveries only. `next` goes
   * on from there.
   */
  readonly searchedBackTo?: Date
}

/** How many deliveries a filter lets through. */
export interface DeliveryCount {
  readonly count: number
  /** `false`: there may be more than `count`, since only so many are looked at. */
  readonly isComplete: boolean
}
