import type { CaptureAction } from './capture-options.ts'
import { quoteText } from './sql.ts'
import { dataOf, entityIdOf, type SqliteCapture, sourceOf } from './sqlite-expressions.ts'

const COLUMNS = 'id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data'

// Milliseconds since 1970, also in versions of SQLite that do not know `unixepoch('subsec')`.
const NOW_MS = "cast(round((julianday('now') - 2440587.5) * 86400000) as integer)"

// `evt_` and a UUID version 7.
const EVENT_ID = `printf('evt_%08x-%04x-7%03x-%04x-%012x', ms >> 16, ms & 65535,
      random() & 4095, 32768 | (random() & 16383), random() & 281474976710655)`

/** Appends the event of a row, which is NEW or OLD, if a condition holds. */
export function insertEvent(
  parts: SqliteCapture,
  row: string,
  action: CaptureAction,
  condition: string,
): string {
  const { capture, own } = parts
  const content = dataOf(parts, row, action === 'Update')
  return appendEvents(parts, action, {
    tenantId: sourceOf(own, row, capture.tenantId, 'tenant_id'),
    siteId: sourceOf(own, row, capture.siteId, 'site_id'),
    entityId: entityIdOf(row, capture.entityId),
    data: content && bounded('data', content.omitted, parts),
    from: `(select ${NOW_MS} as ms, ${content?.data ?? 'null'} as data)`,
    condition,
  })
}

/** Appends a Delete for each remembered row that another has replaced, if a condition holds. */
export function insertReplaced(parts: SqliteCapture, condition: string): string {
  const content = dataOf(parts, 'OLD', false)
  return appendEvents(parts, 'Delete', {
    tenantId: 'tenant_id',
    siteId: 'site_id',
    entityId: 'entity_id',
    data: content && bounded('data', content.omitted, parts),
    from: `(select ${NOW_MS} as ms, * from ${parts.own.replaced})`,
    condition,
  })
}

interface EventValues {
  readonly tenantId: string
  readonly siteId: string
  readonly entityId: string
  readonly data: string | undefined
  readonly from: string
  readonly condition: string
}

function appendEvents({ capture, names }: SqliteCapture, action: CaptureAction, values: EventValues): string {
  const { tenantId, siteId, entityId, data = 'null', from, condition } = values
  return `
  insert into ${names.syncEvent} (${COLUMNS})
    select ${EVENT_ID}, ${tenantId}, ${siteId},
      ${quoteText(capture.entityName)}, ${entityId}, '${action}', ms, ${data}
    from ${from}
    where ${condition};`
}

function bounded(data: string, omitted: string, { maxDataBytes }: SqliteCapture): string {
  return `case when length(cast(${data} as blob)) > ${maxDataBytes} then ${omitted} else ${data} end`
}
