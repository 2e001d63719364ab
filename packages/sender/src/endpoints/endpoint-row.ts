import type { PayloadFormat } from '../messages/payload-format.ts'
import type { StoredCertificate } from './client-certificate.ts'
import type { Concurrency, DisabledReason, Ownership, RateLimit, SignatureKind } from './endpoint.ts'
import type { Ordering } from './ordering.ts'

/** An endpoint as it is stored; what is JSON in the database is read. */
export interface EndpointRow {
  /** The key that other tables use. */
  readonly key: number
  /** The id that users see. */
  readonly id: string
  readonly tenantId: number
  readonly siteId: number | null
  readonly url: string
  readonly eventTypes: readonly string[]
  readonly description: string
  readonly headers: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly signature: SignatureKind
  readonly concurrency: Concurrency
  readonly ordering: Ordering
  readonly rateLimit: RateLimit | null
  /** Seconds before each attempt; null for the sender's own. */
  readonly retrySchedule: readonly number[] | null
  readonly format: PayloadFormat
  /** Null for one that was created when there were no versions. */
  readonly payloadVersion: string | null
  /** Null where nobody asks. */
  readonly ownership: Ownership | null
  readonly certificate: StoredCertificate | null
  readonly enabled: boolean
  readonly failingSince: number | null
  readonly disabledReason: DisabledReason | null
  readonly disabledOn: number | null
  readonly version: number
  readonly createdOn: number
  readonly updatedOn: number
}

/** What a new endpoint starts with; key, state and version are given by the store. */
export type NewEndpointRow = Omit<
  EndpointRow,
  | 'key'
  | 'certificate'
  | 'enabled'
  | 'failingSince'
  | 'disabledReason'
  | 'disabledOn'
  | 'version'
  | 'updatedOn'
> &
  Pick<EndpointChange, 'certificate'>

/** What an update may change. */
export type EndpointChange = Pick<
  EndpointRow,
  | 'siteId'
  | 'url'
  | 'eventTypes'
  | 'description'
  | 'headers'
  | 'metadata'
  | 'concurrency'
  | 'ordering'
  | 'rateLimit'
  | 'retrySchedule'
  | 'format'
  | 'payloadVersion'
> & {
  /** Undefined: it stays as it is; null: there is none. */
  readonly certificate?: StoredCertificate | null | undefined
}

/** A signing secret as it is stored: sealed. */
export interface SecretRow {
  readonly sealed: string
  readonly keyId: string
  readonly createdOn: number
  readonly expiresOn: number | null
}

/** What fan-out needs to know of an enabled endpoint. */
export interface EndpointFilterRow {
  readonly key: number
  readonly id: string
  readonly tenantId: number
  readonly siteId: number | null
  readonly eventTypes: readonly string[]
  readonly ordering: Ordering
  readonly retrySchedule: readonly number[] | null
  readonly format: PayloadFormat
  readonly payloadVersion: string | null
}

/** A signing secret or a client's certificate that waits to be sealed anew. */
export interface ForeignSecret {
  readonly kind: 'secret' | 'certificate'
  readonly key: number
  readonly endpointId: string
  readonly sealed: string
}
