import { isStorableDate } from './dates.ts'
import type { SyncEvent } from './sync-event.ts'

/** The answer of `GET /api/Sync/{lastSyncDate}`: what a client missed, and the date to ask with next. */
export interface Sync {
  readonly syncDate: Date
  readonly syncEvents: readonly SyncEvent[]
}

const SYNC_DATE = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{3})$/

/**
 * Writes a date as the sync API wants it: `yyyyMMddHHmmssfff`, in UTC.
 *
 * @example
 * ```ts
 * import { formatSyncDate } from '@x/events-core'
 *
 * formatSyncDate(new Date(Date.UTC(2026, 10, 24, 8, 0, 0, 5))) // '20261124080000005'
 * ```
 */
export function formatSyncDate(date: Date): string {
  return date.toISOString().replaceAll(/[-:T.Z]/g, '')
}

/**
 * Reads a date as {@link formatSyncDate} writes it.
 *
 * @returns undefined when the text is not such a date: `20260230...` is none, and there is no year 0000.
 */
export function parseSyncDate(text: string): Date | undefined {
  const parts = SYNC_DATE.exec(text)
  if (!parts) return undefined
  const [, year, month, day, hour, minute, second, milli] = parts
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${milli}Z`)
  // An impossible date (30 February) is either NaN or silently another day.
  return isStorableDate(date) && formatSyncDate(date) === text ? date : undefined
}
