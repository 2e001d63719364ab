/**
 * The state of a delivery. `pending`: an attempt is due, now or later. `succeeded`: the consumer responded with 2xx.
 * `exhausted`: the last attempt of the schedule failed, or the consumer responded with 410 Gone. `cancelled`: a person
 * cancelled it or deleted the endpoint, or the host's `canReceive` returned false (`lastErrorCode` is `not_allowed`).
 * `pull`: its endpoint has no URL, and the message is there to be read.
 */
export type DeliveryState = 'pending' | 'succeeded' | 'exhausted' | 'cancelled' | 'pull'

/**
 * Why an attempt failed, for programs. `dns_unavailable`, `network_unreachable`, `out_of_resources`,
 * `not_permitted`, `check_failed`, `aborted`, `proxy_unavailable`, `proxy_unauthorized` and `proxy_connect_failed` are, or may be, this
 * side's fault; then the attempt does not count. The README explains each code.
 */
export type AttemptErrorCode =
  | 'http_status'
  | 'redirect'
  | 'gone'
  | 'timeout'
  | 'connect_timeout'
  | 'connection_refused'
  | 'connection_lost'
  | 'dns_failure'
  | 'dns_unavailable'
  | 'network_unreachable'
  | 'out_of_resources'
  | 'not_permitted'
  | 'not_allowed'
  | 'check_failed'
  | 'aborted'
  | 'tls_failure'
  | 'forbidden_address'
  | 'forbidden_url'
  | 'proxy_unavailable'
  | 'proxy_unauthorized'
  | 'proxy_connect_failed'
  | 'invalid_response'
  | 'network_error'

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
}

/** One HTTP request of a delivery, with its outcome. */
export interface DeliveryAttempt {
  /** 1 for the first. */
  readonly number: number
  readonly startedOn: Date
  readonly durationMs: number
  readonly request: {
    readonly method: 'POST'
    readonly url: string
    /**
     * Without the endpoint's own headers, which may hold credentials, and without `traceparent` and
     * `webhook-sequence-signature`.
     */
    readonly headers: Readonly<Record<string, string>>
  }
  /** Absent when there was no response. */
  readonly response?: {
    readonly status: number
    /** The first 4 KB. */
    readonly body: string
  }
  /** Absent when the attempt has succeeded. */
  readonly errorCode?: AttemptErrorCode
  readonly errorMessage?: string
}

/** A delivery with everything about it. */
export interface DeliveryDetails extends Delivery {
  /** What was sent, to the byte. */
  readonly body: string
  /** The newest 100, oldest first; `attemptCount` tells how many there were. */
  readonly attempts: readonly DeliveryAttempt[]
}

/** Whoever resends a delivery over and over gets no longer an answer for it. */
export const MAX_ATTEMPTS_SHOWN = 100

/** Which deliveries to list: the newest first. */
export interface ListDeliveries {
  readonly tenantId: number
  readonly endpointId?: string | undefined
  readonly state?: DeliveryState | undefined
  /** One event type, exactly. */
  readonly eventType?: string | undefined
  /** Those created at this time or later. */
  readonly createdAfter?: Date | undefined
  /** Those created before this time. */
  readonly createdBefore?: Date | undefined
  /** The id of the last delivery of the page before. */
  readonly before?: string | undefined
  /**
   * 1 to 250.
   * @defaultValue 50
   */
  readonly limit?: number | undefined
}
