import type { TableNames } from '../store/table-names.ts'

/** Where captures keep what belongs to them, as it stands in SQL. */
export interface CaptureNames {
  /** SQLite: the tenant and site of the transaction that is under way; empty at every commit. */
  readonly context: string
  /** SQLite: rows that are about to make room for another. */
  readonly replaced: string
  /** PostgreSQL: the setting that holds tenant and site of a transaction. */
  readonly setting: string
  /** PostgreSQL: the function that writes one event. */
  readonly append: string
  /** What the names of triggers, and PostgreSQL's functions behind them, begin with. */
  readonly trigger: string
}

/** The names beside those of the log. */
export function captureNames({ prefix }: TableNames): CaptureNames {
  return {
    context: `${prefix}capture_context`,
    replaced: `${prefix}capture_replaced`,
    setting: `${prefix}capture.site`,
    append: `${prefix}capture_event`,
    trigger: `${prefix}capture_`,
  }
}
