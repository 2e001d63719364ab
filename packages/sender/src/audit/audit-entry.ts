import type { JobKind } from '../bulk/job.ts'
import type { DisabledReason } from '../endpoints/endpoint.ts'

/** What was done. */
export type AuditAction =
  | 'endpoint_created'
  | 'endpoint_updated'
  | 'endpoint_enabled'
  | 'endpoint_disabled'
  | 'endpoint_deleted'
  | 'endpoint_verified'
  | 'secret_rotated'
  | 'secret_shown'
  | 'key_created'
  | 'key_rotated'
  | 'key_revoked'
  | 'test_sent'
  | 'delivery_resent'
  | 'delivery_cancelled'
  | 'job_started'
  | 'job_cancelled'
  | 'alerts_changed'

/** What else is known of a change. It holds no secret, and no value of a field. */
export interface AuditDetails {
  /** `endpoint_updated`, `alerts_changed`: the fields that were changed. */
  readonly fields?: readonly string[]
  /** `endpoint_disabled`: why. The sender itself disables for `gone` and `failing`. */
  readonly reason?: DisabledReason
  /** `key_...`: the key's id; of a rotation, that of the key before. */
  readonly keyId?: string
  /** `test_sent`, `delivery_...` */
  readonly deliveryId?: string
  /** `test_sent` */
  readonly eventType?: string
  /** `job_...` */
  readonly jobId?: string
  /** `job_...` */
  readonly jobKind?: JobKind
}

/** One entry of the audit log. */
export interface AuditEntry {
  /** `log_` and a number. */
  readonly id: string
  readonly tenantId: number
  /** The endpoint that was changed, also after its deletion. */
  readonly endpointId?: string
  readonly action: AuditAction
  /** Who has done it, as the host said; absent where it did not say, or the sender itself did it. */
  readonly actor?: string
  readonly details: AuditDetails
  readonly createdOn: Date
}

const ID = /^log_([1-9]\d{0,14})$/

/** The id that users see of an entry. */
export const entryIdOf = (key: number): string => `log_${key}`

/** The key of an id; undefined for what is none. */
export function parseEntryId(id: unknown): number | undefined {
  const parts = typeof id === 'string' ? ID.exec(id) : null
  return parts ? Number(parts[1]) : undefined
}
