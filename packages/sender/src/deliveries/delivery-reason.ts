import type { DisabledReason } from '../endpoints/endpoint.ts'
import type { EndpointFailure, PauseCause } from '../endpoints/endpoint-health.ts'

/** How many deliveries come before another; at most 1,000 are counted. */
export interface DeliveriesAhead {
  /** Only `deliveries.get` tells. */
  readonly ahead?: number
  /** Whether there are more than `ahead`. */
  readonly aheadCapped?: boolean
}

/** Who has done it. */
export interface DoneBy {
  /** As the host has said (`actor`); absent where it has not. Only `deliveries.get` tells. */
  readonly by?: string
}

/** What a pending delivery waits for: what happens next, and when. */
export type PendingReason =
  /** Its attempt is under way, in this process. */
  | { readonly code: 'in_flight' }
  /** A person has asked for an attempt (`resend`, `sendTest`): it is made before all others, at the time. */
  | { readonly code: 'requested'; readonly on: Date }
  /** It is due, and waits for its turn at the endpoint. */
  | ({ readonly code: 'queued' } & DeliveriesAhead)
  /** The next attempt is made later: which one of how many in the schedule. */
  | { readonly code: 'scheduled'; readonly attempt: number; readonly of: number; readonly on: Date }
  /** The endpoint gets no attempt for a while. */
  | {
      readonly code: 'paused'
      readonly until: Date
      readonly cause: Exclude<PauseCause, 'rate_limit'>
      /** The failures in a row that have led to it, of whichever deliveries, the oldest first. */
      readonly failures: readonly EndpointFailure[]
    }
  /** The endpoint's `rateLimit` is used up. */
  | { readonly code: 'rate_limited'; readonly until: Date }
  /** Another delivery of its ordering key comes before it (`ordering`). Which, only `deliveries.get` tells. */
  | ({ readonly code: 'predecessor'; readonly deliveryId?: string } & DeliveriesAhead)
  /** The endpoint is disabled: the delivery goes on when it is enabled. */
  | ({ readonly code: 'disabled'; readonly since: Date; readonly reason: DisabledReason } & DoneBy)

/** Why a delivery is in its final state. */
export type FinalReason =
  /** The consumer has responded with 2xx. */
  | { readonly code: 'succeeded' }
  /** The last attempt of the schedule has failed. */
  | { readonly code: 'attempts_exhausted' }
  /** The consumer has responded with 410 Gone: it wants no further webhooks. */
  | { readonly code: 'gone' }
  /** A person has cancelled it. */
  | ({ readonly code: 'cancelled' } & DoneBy)
  /** Its endpoint was deleted. */
  | ({ readonly code: 'endpoint_deleted'; readonly on: Date } & DoneBy)
  /** The host's `canReceive` has said no. */
  | { readonly code: 'not_allowed' }
  /** Its endpoint has no URL: the message is there to be read. */
  | { readonly code: 'pull' }

/** Why a delivery is in its state: what it waits for, or how it has ended. */
export type DeliveryReason = PendingReason | FinalReason

/**
 * What `deliveries.resend` would do. `sends`: an attempt, now. `under_way`: nothing new, since one is under way or asked for.
 * Otherwise it throws: the endpoint is disabled or deleted, or has no URL.
 */
export type ResendEffect = 'sends' | 'under_way' | 'endpoint_disabled' | 'endpoint_deleted' | 'no_url'
