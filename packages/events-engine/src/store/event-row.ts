import { createSyncEvent, type JsonValue, type SyncEvent } from '@x/events-core'
import { rememberTraceparent } from '../observability/tracing.ts'
import { integer, nullable, type RowOf, text } from '../sql/columns.ts'
import type { SqlDialect } from '../sql/dialect.ts'

/** The columns of an event in the log; `seq` and the columns of one dialect stay inside the stores. */
export const eventColumns = {
  id: text,
  tenant_id: integer,
  site_id: integer,
  entity_name: text,
  /** JSON, so that 7 and "7" stay apart. */
  entity_id: text,
  action: text,
  /** Milliseconds since 1970. */
  modified_on: integer,
  /** JSON, or null where nothing was attached. */
  data: nullable(text),
  /** W3C `traceparent` of the request that raised the event, or null. */
  trace: nullable(text),
}

export type EventRow = RowOf<typeof eventColumns>

/** SQL: when an event of the log, `e`, was raised. */
export const raisedOn = ({ milliseconds }: SqlDialect): string =>
  `${milliseconds('e.modified_on')} as modified_on`

/** SQL: the columns of an event, with an expression for its data. */
export const columnsWith = (sql: SqlDialect, data: string): string =>
  `e.id, e.tenant_id, e.site_id, e.entity_name, e.entity_id, e.action, ${raisedOn(sql)}, ${data} as data, e.trace`

/** SQL: {@link eventColumns} of the log's table, `e`. */
export const selectedColumns = (sql: SqlDialect): string => columnsWith(sql, sql.jsonText('e.data'))

/** SQL: the same, as if nothing were attached. */
export const selectedWithoutData = (sql: SqlDialect): string => columnsWith(sql, sql.cast('null', 'text'))

// Beside the events, so that subscribers see no additional field.
const sequences = new WeakMap<SyncEvent, string>()

/** Which row of the log an event was read from; undefined for one that was not read from there. */
export function sequenceOf(event: SyncEvent): string | undefined {
  return sequences.get(event)
}

/** The row of an event whose data is already JSON text. */
export function rowOf(event: SyncEvent, dataText: string | null, trace: string | null = null): EventRow {
  return {
    id: event.id,
    tenant_id: event.tenantId,
    site_id: event.siteId,
    entity_name: event.entityName,
    entity_id: JSON.stringify(event.entityId),
    action: event.action,
    modified_on: event.modifiedOn.getTime(),
    data: dataText,
    trace,
  }
}

/** The event of a row; `traceparentOf` gives its trace. */
export function eventOf(row: EventRow & { readonly seq?: number | bigint }): SyncEvent {
  const event = createSyncEvent({
    id: row.id,
    tenantId: row.tenant_id,
    siteId: row.site_id,
    entityName: row.entity_name,
    entityId: JSON.parse(row.entity_id) as number | string,
    action: row.action,
    modifiedOn: new Date(row.modified_on),
    ...(row.data === null ? {} : { data: JSON.parse(row.data) as JsonValue }),
  })
  rememberTraceparent(event, row.trace)
  if (row.seq !== undefined) sequences.set(event, String(row.seq))
  return event
}
