import { EventEngineError, shown } from '../errors.ts'

/** Reads the value of one column, as any driver may give it. */
export type Column<TValue> = (value: unknown, name: string) => TValue

/** The columns of a statement's rows, by their names. */
export type Columns = Readonly<Record<string, Column<unknown>>>

/** A row whose columns were read. */
export type RowOf<TColumns extends Columns> = {
  readonly [TName in keyof TColumns]: ReturnType<TColumns[TName]>
}

/** A text. */
export const text: Column<string> = (value, name) =>
  typeof value === 'string' ? value : refuse(name, value, 'text')

/** A text that is one of a few words, which only this package writes. */
export function word<TWord extends string>(): Column<TWord> {
  return (value, name) => text(value, name) as TWord
}

/** The value of JSON text. Drivers may have parsed it already. */
export function json<TValue>(): Column<TValue> {
  return (value, name) => {
    if (value === null || value === undefined) refuse(name, value, 'JSON')
    return (typeof value === 'string' ? JSON.parse(value) : value) as TValue
  }
}

const WHOLE_NUMBER = /^-?\d+$/

/** A whole number of any size: a number, a BigInt, a text, or an object that is written as one. */
export const bigInteger: Column<bigint> = (value, name) => {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? BigInt(value) : refuse(name, value, 'a whole number')
  }
  const digits = textOf(value)
  return WHOLE_NUMBER.test(digits) ? BigInt(digits) : refuse(name, value, 'a whole number')
}

/** A whole number that JavaScript holds exactly. Another one is refused, as it would become its neighbour. */
export const integer: Column<number> = (value, name) => {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  const digits = typeof value === 'bigint' ? value : textOf(value)
  if (typeof digits === 'string' && !WHOLE_NUMBER.test(digits)) refuse(name, value, 'a whole number')
  const exact = Number(digits)
  return Number.isSafeInteger(exact) ? exact : refuse(name, value, 'a whole number up to 2^53')
}

/** A number that may have a fraction. */
export const real: Column<number> = (value, name) => {
  if (typeof value === 'number') return value
  const digits = typeof value === 'bigint' ? String(value) : textOf(value)
  const number = digits.trim() === '' ? Number.NaN : Number(digits)
  return Number.isFinite(number) ? number : refuse(name, value, 'a number')
}

const TRUTHS = new Map<unknown, boolean>([
  [true, true],
  [1, true],
  [1n, true],
  ['1', true],
  ['t', true],
  ['true', true],
  [false, false],
  [0, false],
  [0n, false],
  ['0', false],
  ['f', false],
  ['false', false],
])

/** A boolean. SQLite has numbers for it, and drivers of PostgreSQL may return its text. */
export const flag: Column<boolean> = (value, name) =>
  TRUTHS.get(value) ?? refuse(name, value, 'true or false')

/** A column that may be null. */
export function nullable<TValue>(column: Column<TValue>): Column<TValue | null> {
  return (value, name) => (value === null ? null : column(value, name))
}

/** Reads the columns of a row; others are left out. */
export function readRow<TColumns extends Columns>(
  columns: TColumns,
  row: Readonly<Record<string, unknown>>,
): RowOf<TColumns> {
  const read: Record<string, unknown> = {}
  for (const name in columns) read[name] = columns[name]?.(row[name], name)
  return read as RowOf<TColumns>
}

/** Hosts may configure a driver to return numbers as objects, such as those of a decimal library. */
function textOf(value: unknown): string {
  return typeof value === 'string' || (typeof value === 'object' && value !== null) ? String(value) : ''
}

function refuse(name: string, value: unknown, wanted: string): never {
  throw new EventEngineError(
    'unreadable_value',
    value === undefined
      ? `The driver of options.db gives no column ${shown(name)}; it must leave the names of columns as they are.`
      : `The driver of options.db gives ${shown(value)} (${typeOf(value)}) for the column ${shown(name)}, which is to be ${wanted}.`,
  )
}

function typeOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  return value.constructor?.name ?? 'object'
}
