import { createHash } from 'node:crypto'
import type { Capture, CaptureAction } from './capture-options.ts'
import {
  changesAny,
  dataOf,
  entityIdOf,
  isExact,
  type PostgresData,
  sourceOf,
} from './postgres-expressions.ts'
import type { PostgresTable } from './postgres-table.ts'
import { CHANGED_KEY, OMITTED_KEY } from './resolve-capture.ts'
import { type CaptureNames, quoteEscaped, quoteName, remedies } from './sql.ts'

/** What the function of a capture is made of. */
export interface PostgresCapture {
  readonly capture: Capture
  readonly table: PostgresTable
  /** Where the engine's tables are: found, not asked for, as the search path of a writer may be another. */
  readonly engineSchema: string
  readonly syncEvent: string
  readonly own: CaptureNames
  readonly maxDataBytes: number
}

/** The function behind a table's triggers, under a name made of what it does. */
export interface PostgresFunction {
  readonly name: string
  /** With its schema, as it stands in SQL. */
  readonly qualifiedName: string
  readonly statements: readonly string[]
}

/** Programs that catch the error of a refused statement find this as its SQLSTATE. */
const REFUSED = 'XE001'

// A role that may change the table may lack the right to write the event log, so the function runs as its owner. The
// settings make the data of events the same in every session.
const ATTRIBUTES = `returns trigger language plpgsql security definer
  set search_path to pg_catalog, pg_temp
  set timezone to 'UTC'
  set bytea_output to 'hex'
  set intervalstyle to 'iso_8601'
  set extra_float_digits to 1`

/** The function that raises an event for each change of a row. */
export function postgresFunction(parts: PostgresCapture): PostgresFunction {
  const body = bodyOf(parts)
  const hash = createHash('sha256').update(ATTRIBUTES).update(body).digest('hex').slice(0, 16)
  const name = `${parts.own.trigger}${hash}`
  const qualifiedName = `${quoteName(parts.engineSchema)}.${quoteName(name)}`
  return {
    name,
    qualifiedName,
    statements: [
      `create or replace function ${qualifiedName}() ${ATTRIBUTES}\nas ${quoteEscaped(body)}`,
      // Otherwise any role could raise events, by a trigger on a table of its own.
      `revoke all on function ${qualifiedName}() from public`,
    ],
  }
}

function bodyOf(parts: PostgresCapture): string {
  const { capture, table } = parts
  const { actions, entityId, tenantId, siteId } = capture
  const places = [tenantId, siteId].flatMap((source) => (source.from === 'column' ? [source.column] : []))
  const moved = changesAny([...new Set([entityId, ...places])])
  const insert = (row: string, action: CaptureAction) =>
    actions.has(action) ? insertEvent(parts, row, action) : ''
  const insertIfComplete = (row: string, action: CaptureAction) =>
    `\n  if ${isComplete(capture, row)} then${insert(row, action)}\n  end if;`

  return `
declare
  xe_us bigint;
  xe_ms text;
  xe_data json;
  xe_changed text[];
begin
  -- Made for ${JSON.stringify(`${table.schema}.${table.name}`)} by captureTable.
  if TG_OP = 'TRUNCATE' then${refuse(remedies(capture).truncate)}
  end if;
  -- Bytes are compared: not every type has an equality, and what is equal need not look the same.
  if TG_OP = 'UPDATE' then
    if not (OLD *<> NEW) then return null; end if;
  end if;${requireContext(parts)}
  if TG_OP = 'DELETE' then${insertIfComplete('OLD', 'Delete')}
    return null;
  end if;${requireValues(parts)}
  if TG_OP = 'INSERT' then${insert('NEW', 'Create')}
  elsif ${moved} then${insertIfComplete('OLD', 'Delete')}${insert('NEW', 'Create')}
  else${insert('NEW', 'Update')}
    null;
  end if;
  return null;
end`
}

function insertEvent(parts: PostgresCapture, row: string, action: CaptureAction): string {
  const { capture, table, syncEvent, own, maxDataBytes } = parts
  const content = dataOf(capture, table, row, action === 'Update')
  // The version 7 of a UUID, with the microseconds in the twelve bits behind the milliseconds
  // (RFC 9562, 6.2, method 3). What is random comes out of one of version 4.
  return `
    xe_us := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
    xe_ms := lpad(to_hex(xe_us / 1000), 12, '0');${content ? readData(content, maxDataBytes) : ''}
    insert into ${syncEvent} (id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data)
    values (
      'evt_' || substr(xe_ms, 1, 8) || '-' || substr(xe_ms, 9) || '-'
        || to_hex(28672 + (xe_us % 1000) * 4096 / 1000) || substr(gen_random_uuid()::text, 19),
      ${sourceOf(own, row, capture.tenantId, 'tenant')}, ${sourceOf(own, row, capture.siteId, 'site')},
      ${quoteEscaped(capture.entityName)}, ${entityIdOf(table, row, capture.entityId)},
      '${action}', to_timestamp((xe_us / 1000)::double precision / 1000), ${content ? 'xe_data' : 'null'}
    );`
}

/** Once a column is dropped, and until captureTable is called again, an event has what is left of its data. */
function readData(content: PostgresData, maxDataBytes: number): string {
  const { data, changed, survivingData, survivingChanged } = content
  const omitted = [quoteEscaped(OMITTED_KEY), 'true']
  if (changed !== undefined) omitted.push(quoteEscaped(CHANGED_KEY), 'xe_changed')
  const read = (names: string | undefined, values: string) =>
    `${names === undefined ? '' : `\n      xe_changed := ${names};`}\n      xe_data := ${values};`
  return `
    begin${read(changed, data)}
    exception when undefined_column then${read(survivingChanged, survivingData)}
    end;
    if octet_length(xe_data::text) > ${maxDataBytes} then
      xe_data := json_build_object(${omitted.join(', ')});
    end if;`
}

function requireContext({ capture, own }: PostgresCapture): string {
  const needed = [capture.tenantId, capture.siteId].some(
    (source) => source.from === 'context' && source.fallback === undefined,
  )
  if (!needed) return ''
  const setting = `coalesce(current_setting(${quoteEscaped(own.setting)}, true), '')`
  return `\n  if ${setting} = '' then${refuse(remedies(capture).context)}\n  end if;`
}

function requireValues({ capture }: PostgresCapture): string {
  const { entityId, tenantId, siteId } = capture
  const text = remedies(capture)
  const refuseIf = (condition: string, message: string) =>
    `\n  if ${condition} then${refuse(message)}\n  end if;`
  return [
    refuseIf(`NEW.${quoteName(entityId)} is null`, text.entityId),
    tenantId.from === 'column'
      ? refuseIf(`(${isExact('NEW', tenantId.column)}) is not true`, text.tenantId)
      : '',
    siteId.from === 'column' ? refuseIf(`not (${isExact('NEW', siteId.column)})`, text.siteId) : '',
  ].join('')
}

/** Whether a row has had events: a row without an id, tenant or site has none. */
function isComplete({ entityId, tenantId, siteId }: Capture, row: string): string {
  return [
    `${row}.${quoteName(entityId)} is not null`,
    ...(tenantId.from === 'column' ? [`(${isExact(row, tenantId.column)}) is true`] : []),
    ...(siteId.from === 'column' ? [`(${isExact(row, siteId.column)}) is not false`] : []),
  ].join(' and ')
}

function refuse(message: string): string {
  return `\n    raise exception using errcode = '${REFUSED}', message = ${quoteEscaped(message)};`
}
