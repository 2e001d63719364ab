import { integer, type RowOf, text } from '@x/events-engine/internal'
import { addCounts, type Counters, type Counts, MINUTE_MS, noCounts } from './counters.ts'

/** Counts of one endpoint, or of a whole tenant, in one minute or hour. */
export interface StatisticRow extends Counts {
  readonly tenantId: number
  /** {@link ALL_ENDPOINTS} for the tenant's. */
  readonly endpointKey: number
  /** The length of its time range: 60 or 3600. */
  readonly seconds: number
  readonly fromOn: number
}

/** The key of a row. */
export type StatisticKey = Omit<StatisticRow, keyof Counts>

/** How the columns of a row are read. */
export const statisticColumns = {
  tenant_id: integer,
  endpoint_key: integer,
  seconds: integer,
  from_on: integer,
  succeeded: integer,
  failed: integer,
  exhausted: integer,
  latency: text,
}

/** A row as it is stored. */
export type StoredStatistic = RowOf<typeof statisticColumns>

/** In place of an endpoint's key. */
export const ALL_ENDPOINTS = 0

/** Reads a stored row. */
export function statisticRowOf(row: StoredStatistic): StatisticRow {
  return {
    tenantId: row.tenant_id,
    endpointKey: row.endpoint_key,
    seconds: row.seconds,
    fromOn: row.from_on,
    succeeded: row.succeeded,
    failed: row.failed,
    exhausted: row.exhausted,
    latency: new Map(JSON.parse(row.latency) as [number, number][]),
  }
}

/** Writes a row as it is stored. */
export function storedStatisticOf(row: StatisticRow): StoredStatistic {
  const { tenantId, endpointKey, seconds, fromOn, succeeded, failed, exhausted, latency } = row
  return {
    tenant_id: tenantId,
    endpoint_key: endpointKey,
    seconds,
    from_on: fromOn,
    succeeded,
    failed,
    exhausted,
    latency: JSON.stringify([...latency]),
  }
}

/** Merges rows that have the same key. */
export function mergeRows(rows: Iterable<StatisticRow>): StatisticRow[] {
  const merged = new Map<string, StatisticRow>()
  for (const row of rows) {
    const key = `${row.tenantId}:${row.endpointKey}:${row.seconds}:${row.fromOn}`
    const known = merged.get(key) ?? { ...row, ...noCounts() }
    addCounts(known, row)
    merged.set(key, known)
  }
  return [...merged.values()]
}

/** The minutes of endpoints and tenants that counters add to. Endpoints without a tenant are deleted. */
export function rowsOfCounters(
  counters: readonly Counters[],
  tenantOf: ReadonlyMap<number, number>,
): StatisticRow[] {
  const rows = counters.flatMap(({ endpointKey, fromOn, ...counts }): StatisticRow[] => {
    const tenantId = tenantOf.get(endpointKey)
    if (tenantId === undefined) return []
    const row = { ...counts, tenantId, endpointKey, seconds: MINUTE_MS / 1_000, fromOn }
    return [row, { ...row, endpointKey: ALL_ENDPOINTS }]
  })
  return mergeRows(rows)
}

/** The hours that minutes add up to. */
export function hoursOf(minutes: readonly StatisticRow[]): StatisticRow[] {
  const hourMs = 60 * MINUTE_MS
  return mergeRows(
    minutes.map((row) => ({
      ...row,
      seconds: hourMs / 1_000,
      fromOn: Math.floor(row.fromOn / hourMs) * hourMs,
    })),
  )
}
