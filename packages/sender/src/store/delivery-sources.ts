import { flag, nullable, type RowOf, text } from '@x/events-engine/internal'
import { DELIVERY_COLUMNS, deliveryColumns, deliveryRowOf } from '../deliveries/delivery-columns.ts'
import type { DeliveryKey, DeliveryRow } from '../deliveries/delivery-row.ts'
import { containing } from './containing.ts'
import type { StoreContext } from './context.ts'

/** What deliveries are read from, the newest first: one index each. `failed`: those that had a failed attempt, and some others. */
export type DeliverySource = 'all' | 'pending' | 'exhausted' | 'cancelled' | 'failed'

/** Whose deliveries: of a tenant's endpoints, of one of them, or of those whose URL contains a text. */
export interface DeliveryOwner {
  readonly tenantId: number
  readonly endpointId: string | undefined
  readonly url: string | undefined
}

/** Where to look: messages from the first on, and deliveries older than one. */
export interface NewestRange {
  readonly first: number
  readonly before: DeliveryKey
}

/** A time, and how many of its deliveries to count at most. */
export interface TimesToCount {
  readonly since: number | undefined
  readonly until: number | undefined
  readonly limit: number
}

/** A delivery, and what decides whether it is wanted. */
export interface FoundDelivery extends DeliveryRow {
  readonly hasFailedAttempts: boolean
  readonly endpointUrl: string | null
}

/** A delivery that was looked at; its row is undefined where its message is deleted. */
export interface CandidateDelivery extends DeliveryKey {
  readonly row: FoundDelivery | undefined
}

/** How the columns of a delivery that was looked at are read. */
export const foundColumns = {
  ...deliveryColumns,
  event_id: nullable(text),
  event_type: nullable(text),
  has_failed_attempts: flag,
  endpoint_url: nullable(text),
}

/** SQL: which deliveries `x` are in the index of a source. */
export const CONDITIONS: Readonly<Record<DeliverySource, string>> = {
  all: 'true',
  pending: "x.state = 'pending'",
  exhausted: "x.state = 'exhausted'",
  cancelled: "x.state = 'cancelled'",
  failed: '(x.attempt_count > 1 or x.last_error_code is not null)',
}
const INDEXES: Readonly<Record<DeliverySource, string>> = {
  all: 'delivery_endpoint',
  pending: 'delivery_due',
  exhausted: 'delivery_exhausted',
  cancelled: 'delivery_cancelled',
  failed: 'delivery_failed',
}
const SOURCES = Object.keys(CONDITIONS) as DeliverySource[]

/** Makes something for each source. */
export function eachSource<TValue>(make: (source: DeliverySource) => TValue): Record<DeliverySource, TValue> {
  return Object.fromEntries(SOURCES.map((source) => [source, make(source)])) as Record<DeliverySource, TValue>
}

/** SQL: parts of the statements that read deliveries of a tenant. */
export function deliveryParts({ sql, names }: Pick<StoreContext, 'sql' | 'names'>) {
  const hasFailed = `case when d.last_error_code is not null then d.attempt_count > 0
    when d.attempt_count > 1 then exists (
      select 1 from ${names.attempt} a where a.message_key = d.message_key and a.endpoint_key = d.endpoint_key
        and a.error_code is not null)
    else false end`
  return {
    /** By which index to read deliveries. */
    indexOf: (source: DeliverySource) => sql.indexedBy(`${names.prefix}${INDEXES[source]}`),
    /** Whether an endpoint `e` is of the owner in {@link ownerValues}: the first three parameters. */
    isOwned: `e.tenant_id = $1 and ($2 is null or e.id = $2)
    and ($3 is null or lower(e.url) like $3 escape '!')`.replaceAll(/\$[23]/g, (one) =>
      sql.cast(one, 'text'),
    ),
    /** Whether a delivery `d` had a failed attempt. */
    hasFailed,
    /** Those of {@link foundColumns}. */
    columns: `${DELIVERY_COLUMNS}, e.url as endpoint_url, ${hasFailed} as has_failed_attempts`,
  }
}

/** What says whose deliveries are meant. */
export function ownerValues({ tenantId, endpointId, url }: DeliveryOwner) {
  return [tenantId, endpointId ?? null, url === undefined ? null : containing(url)]
}

/** A delivery that was looked at, as it is stored. */
export function candidateOf(row: RowOf<typeof foundColumns>): CandidateDelivery {
  const { event_id, event_type, endpoint_key: endpointKey, message_key: messageKey } = row
  if (event_id === null || event_type === null) return { endpointKey, messageKey, row: undefined }
  const hasFailedAttempts = row.has_failed_attempts
  const delivery = deliveryRowOf({ ...row, event_id, event_type })
  return {
    endpointKey,
    messageKey,
    row: { ...delivery, hasFailedAttempts, endpointUrl: row.endpoint_url },
  }
}

/** Sorts the newest first. */
export function newestFirst(one: DeliveryKey, other: DeliveryKey): number {
  return other.messageKey - one.messageKey || other.endpointKey - one.endpointKey
}
