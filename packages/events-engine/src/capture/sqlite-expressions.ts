import type { TableNames } from '../store/table-names.ts'
import type { Capture, ResolvedSource } from './capture-options.ts'
import { BEFORE_KEY, CHANGED_KEY, OMITTED_KEY } from './resolve-capture.ts'
import { type CaptureNames, quoteName, quoteText } from './sql.ts'
import type { SqliteTable } from './sqlite-table.ts'

/** What the triggers of a capture are made of. */
export interface SqliteCapture {
  readonly capture: Capture
  readonly table: SqliteTable
  readonly names: TableNames
  readonly own: CaptureNames
  readonly maxDataBytes: number
}

const MAX_INTEGER = Number.MAX_SAFE_INTEGER

/** A column of a row, which is NEW, OLD, or the alias of a table. */
export const columnOf = (row: string, name: string): string => `${row}.${quoteName(name)}`

/** Whether two values differ at all; NOCASE and the like must not hide that they do. */
const differ = (one: string, other: string): string => `${one} is not ${other} collate binary`

/** Whether an update has changed any of some columns. */
export function changesAny(columns: readonly string[]): string {
  return columns.map((name) => differ(columnOf('OLD', name), columnOf('NEW', name))).join('\n    or ')
}

/** The tenant or site of a row. */
export function sourceOf(
  { context }: CaptureNames,
  row: string,
  source: ResolvedSource,
  which: 'tenant_id' | 'site_id',
): string {
  if (source.from === 'constant') return String(source.value)
  if (source.from === 'column') {
    const value = columnOf(row, source.column)
    return which === 'site_id' ? `coalesce(${value}, -1)` : value
  }
  const value = `(select ${which} from ${context})`
  return source.fallback === undefined ? value : `coalesce(${value}, ${source.fallback})`
}

/** The JSON text of a row's entity id: an integer or a text; null where it has none. */
export function entityIdOf(row: string, column: string): string {
  const value = columnOf(row, column)
  return `case typeof(${value}) when 'null' then null
      when 'real' then case when ${value} = cast(${value} as integer) and abs(${value}) <= ${MAX_INTEGER}
        then cast(cast(${value} as integer) as text) else json_quote(cast(${value} as text)) end
      else ${jsonOf(value, '')} end`
}

/** The JSON text of a value, by what it is and by what its column was declared to be. */
function jsonOf(value: string, declaredType: string): string {
  // What JavaScript and JSON cannot hold becomes text, as PostgreSQL writes it.
  const json = `case typeof(${value}) when 'blob' then '"\\\\x' || lower(hex(${value})) || '"'
      when 'integer' then case when ${value} between ${-MAX_INTEGER} and ${MAX_INTEGER}
        then ${value} || '' else '"' || ${value} || '"' end
      when 'real' then case when abs(${value}) = 9e999
        then case when ${value} > 0 then '"Infinity"' else '"-Infinity"' end else json_quote(${value}) end
      else json_quote(${value}) end`
  if (declaredType === 'JSON') return `case when json_valid(${value}) then json(${value}) else ${json} end`
  if (declaredType === 'BOOLEAN' || declaredType === 'BOOL') {
    return `case ${value} when 0 then 'false' when 1 then 'true' else ${json} end`
  }
  return json
}

/** The JSON text of an event's data, and of what stands in for it where it is too large. */
export function dataOf(
  { capture, table }: SqliteCapture,
  row: string,
  withChanged: boolean,
): { readonly data: string; readonly omitted: string } | undefined {
  if (capture.data === undefined || (capture.data.length === 0 && !withChanged)) return undefined
  const types = new Map(table.columns.map(({ name, type }) => [name, type]))
  const members = capture.data.map(
    (name): Member => [name, jsonOf(columnOf(row, name), types.get(name) ?? '')],
  )
  const changed: Member[] = withChanged ? [[CHANGED_KEY, changedColumns(table)]] : []
  const before: Member[] = withChanged && capture.before ? [[BEFORE_KEY, beforeOf(capture.data, types)]] : []
  return {
    data: objectOf([...members, ...changed, ...before]),
    omitted: objectOf([[OMITTED_KEY, "'true'"], ...changed]),
  }
}

type Member = readonly [name: string, json: string]

/** The text of a JSON object. By concatenation, as functions take few arguments. */
function objectOf(members: readonly Member[]): string {
  const texts = members.map(
    ([name, json], index) => `${quoteText(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`)} || ${json}`,
  )
  return `${texts.join('\n      || ')} || '}'`
}

/** What the columns were that an update has changed. */
function beforeOf(columns: readonly string[], types: ReadonlyMap<string, string>): string {
  const members = columns.map((name) => {
    const member = quoteText(`,${JSON.stringify(name)}:`)
    const value = jsonOf(columnOf('OLD', name), types.get(name) ?? '')
    return `case when ${changesAny([name])} then ${member} || ${value} else '' end`
  })
  return `'{' || substr(${members.length === 0 ? "''" : members.join('\n      || ')}, 2) || '}'`
}

function changedColumns(table: SqliteTable): string {
  const names = table.columns
    .map(({ name }) => name)
    .sort()
    .map(
      (name) => `case when ${changesAny([name])} then ${quoteText(`,${JSON.stringify(name)}`)} else '' end`,
    )
  return `'[' || substr(${names.join('\n      || ')}, 2) || ']'`
}

/** Whether a value is an integer that JavaScript holds exactly: another would become that of another tenant. */
export function isInteger(value: string): string {
  return `(typeof(${value}) = 'integer' and ${value} between ${-MAX_INTEGER} and ${MAX_INTEGER})`
}

/** Whether a row has had events: a row without an id, tenant or site has none. */
export function isComplete({ capture, own }: SqliteCapture, row: string): string {
  const { entityId, tenantId, siteId } = capture
  return [
    `${columnOf(row, entityId)} is not null`,
    ...(tenantId.from === 'column' ? [isInteger(sourceOf(own, row, tenantId, 'tenant_id'))] : []),
    ...(siteId.from === 'column' ? [isInteger(sourceOf(own, row, siteId, 'site_id'))] : []),
  ].join(' and ')
}
