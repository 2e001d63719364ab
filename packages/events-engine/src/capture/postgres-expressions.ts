import type { Capture, ResolvedSource } from './capture-options.ts'
import type { PostgresTable } from './postgres-table.ts'
import { BEFORE_KEY, CHANGED_KEY } from './resolve-capture.ts'
import { type CaptureNames, quoteEscaped, quoteName } from './sql.ts'

const MAX_INTEGER = Number.MAX_SAFE_INTEGER

/** The types that a tenant or site can have. */
export const INTEGER_TYPES = ['int2', 'int4', 'int8']

/** A column of a row, which is NEW or OLD. */
const columnOf = (row: string, name: string): string => `${row}.${quoteName(name)}`

/** Whether an update has changed any of some columns: byte by byte, as this works for every type. */
export function changesAny(columns: readonly string[]): string {
  const values = (row: string) => `row(${columns.map((name) => columnOf(row, name)).join(', ')})::record`
  return `${values('OLD')} *<> ${values('NEW')}`
}

/** Whether an integer is one that JavaScript holds exactly: another would become that of another tenant. */
export function isExact(row: string, name: string): string {
  return `${columnOf(row, name)} between ${-MAX_INTEGER} and ${MAX_INTEGER}`
}

/** The tenant or site of a row. */
export function sourceOf(
  { setting }: CaptureNames,
  row: string,
  source: ResolvedSource,
  which: 'tenant' | 'site',
): string {
  if (source.from === 'constant') return String(source.value)
  if (source.from === 'column') {
    const value = columnOf(row, source.column)
    return which === 'site' ? `coalesce(${value}, -1)` : value
  }
  const part = which === 'tenant' ? 1 : 2
  // Once a transaction has set it, its connection has the setting for good: empty.
  const value = `nullif(split_part(current_setting(${quoteEscaped(setting)}, true), ':', ${part}), '')::bigint`
  return source.fallback === undefined ? value : `coalesce(${value}, ${source.fallback})`
}

/** The JSON text of a row's entity id: an integer or a text. */
export function entityIdOf(table: PostgresTable, row: string, column: string): string {
  const value = columnOf(row, column)
  const type = typeOf(table, column)
  const text = `to_json(${value}::text)::text`
  if (type === 'int2' || type === 'int4') return `${value}::text`
  if (!['int8', 'numeric', 'float4', 'float8'].includes(type)) return text
  return `case when ${value} between ${-MAX_INTEGER} and ${MAX_INTEGER} and ${value} = trunc(${value}::numeric)
        then ${value}::bigint::text else ${text} end`
}

/** How the data of an event is read from a row. */
export interface PostgresData {
  readonly data: string
  /** The names of the changed columns, to be kept in `xe_changed`; undefined where none are wanted. */
  readonly changed: string | undefined
  /** The same by columns that are there when it is read: slower, and in the table's order. */
  readonly survivingData: string
  readonly survivingChanged: string | undefined
}

/** What an event of a row has as its data; undefined for nothing. */
export function dataOf(
  capture: Capture,
  table: PostgresTable,
  row: string,
  withChanged: boolean,
): PostgresData | undefined {
  if (capture.data === undefined || (capture.data.length === 0 && !withChanged)) return undefined
  const members = capture.data.map((name) => `${jsonOf(table, row, name)} as ${quoteName(name)}`)
  if (withChanged) members.push(`xe_changed as ${quoteName(CHANGED_KEY)}`)
  if (withChanged && capture.before) {
    members.push(`${beforeOf(table, capture.data)} as ${quoteName(BEFORE_KEY)}`)
  }
  const chosen = capture.data.map((name) => quoteEscaped(name)).join(', ')
  const surviving = `select key, value from json_each(row_to_json(${row})) where key = any (array[${chosen}]::text[])`
  const changed = `union all select ${quoteEscaped(CHANGED_KEY)}, to_json(xe_changed)`
  return {
    // In the order of the columns, and as many as there are: functions take a hundred arguments.
    data: `(select row_to_json(r) from (select ${members.join(', ')}) r)`,
    changed: withChanged ? changedColumns(table) : undefined,
    survivingData: `(select json_object_agg(key, value) from (${surviving} ${withChanged ? changed : ''}) r)`,
    survivingChanged: withChanged ? SURVIVING_CHANGED : undefined,
  }
}

const SURVIVING_CHANGED = `array(
        select key from json_each(row_to_json(OLD)) o join json_each(row_to_json(NEW)) n using (key)
        where o.value::text is distinct from n.value::text order by key collate "C")`

/** What the columns were that an update has changed. */
function beforeOf(table: PostgresTable, columns: readonly string[]): string {
  if (columns.length === 0) return `'{}'::json`
  const values = columns.map((name) => `${jsonOf(table, 'OLD', name)} as ${quoteName(name)}`)
  return `coalesce((select json_object_agg(key, value) from json_each((select row_to_json(b) from (select ${values.join(', ')}) b))
        where key = any (xe_changed)), '{}'::json)`
}

function jsonOf(table: PostgresTable, row: string, name: string): string {
  const value = columnOf(row, name)
  if (!['int8', 'numeric'].includes(typeOf(table, name))) return value
  // JavaScript would read another number.
  return `case when ${value} between ${-MAX_INTEGER} and ${MAX_INTEGER}
        then to_json(${value}) else to_json(${value}::text) end`
}

function changedColumns(table: PostgresTable): string {
  const names = table.columns
    .filter(({ isVirtual }) => !isVirtual)
    .map(({ name }) => name)
    .sort()
    .map((name) => `case when ${changesAny([name])} then ${quoteEscaped(name)} end`)
  return `array_remove(array[${names.join(',\n      ')}]::text[], null)`
}

function typeOf(table: PostgresTable, name: string): string {
  return table.columns.find((column) => column.name === name)?.type ?? 'text'
}
