import type { AttemptDetails } from './attempt-details.ts'
import type { AttemptErrorCode } from './attempt-error-code.ts'
import type { DeliveryState } from './delivery.ts'

/** A delivery is known by its endpoint and its message. */
export interface DeliveryKey {
  readonly endpointKey: number
  readonly messageKey: number
}

/** The place of a message among those of its endpoint. */
export interface DeliveryLink {
  /** 1 for the first. */
  readonly sequence: number
  /** The hash over the one before and this message, in base64. */
  readonly chain: string
}

/** A delivery as it is listed. */
export interface DeliveryRow extends DeliveryKey {
  readonly endpointId: string
  readonly tenantId: number
  readonly eventId: string
  readonly eventType: string
  readonly state: DeliveryState
  readonly attemptCount: number
  /** Null while it waits for another of its ordering key. */
  readonly dueOn: number | null
  readonly createdOn: number
  readonly finishedOn: number | null
  readonly lastStatus: number | null
  readonly lastErrorCode: AttemptErrorCode | null
  /** Attempts of the current run through the schedule. */
  readonly step: number
  readonly orderingKey: string | null
  /** Whether a person has asked for its next attempt. */
  readonly manual: boolean
  /** Null where its endpoint had no sequence when it was stored. */
  readonly link: DeliveryLink | null
}

/** An attempt as it is stored. */
export interface AttemptRow {
  readonly number: number
  readonly startedOn: number
  readonly durationMs: number
  readonly url: string
  readonly signature: string
  readonly status: number | null
  readonly errorCode: AttemptErrorCode | null
  readonly errorMessage: string | null
  readonly responseBody: string | null
  /** Null of a success at once. */
  readonly details: AttemptDetails | null
}
