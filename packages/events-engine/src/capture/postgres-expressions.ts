import type { CaptureNames } from './capture-names.ts'
import type { Capture, ResolvedSource } from './capture-options.ts'
import type { PostgresTable } from './postgres-table.ts'
import { quoteName, quoteText } from './quote-sql.ts'
import { CHANGED_KEY } from './resolve-capture.ts'

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
  const value = `nullif(split_part(current_setting(${quoteText(setting, 'postgres')}, true), ':', ${part}), '')::bigint`
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

/** The JSON of an event's data, and the names of the changed columns, which are to be kept in `xe_changed`. */
export function dataOf(
  capture: Capture,
  table: PostgresTable,
  row: string,
  withChanged: boolean,
): { readonly data: string; readonly changed: string | undefined } | undefined {
  if (capture.data === undefined || (capture.data.length === 0 && !withChanged)) return undefined
  const members = capture.data.map((name) => `${jsonOf(table, row, name)} as ${quoteName(name)}`)
  if (withChanged) members.push(`xe_changed as ${quoteName(CHANGED_KEY)}`)
  return {
    // In the order of the columns, and as many as there are: functions take a hundred arguments.
    data: `(select row_to_json(r) from (select ${members.join(', ')}) r)`,
    changed: withChanged ? changedColumns(table) : undefined,
  }
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
    .map((name) => `case when ${changesAny([name])} then ${quoteText(name, 'postgres')} end`)
  return `array_remove(array[${names.join(',\n      ')}]::text[], null)`
}

function typeOf(table: PostgresTable, name: string): string {
  return table.columns.find((column) => column.name === name)?.type ?? 'text'
}
