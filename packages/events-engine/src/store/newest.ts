import { ALL_TENANTS, type SyncEvent } from '@x/events-core'
import { integer, nullable } from '../sql/columns.ts'
import { type Dialect, readRows, type SqlExecutor } from '../sql/database.ts'
import { sqlDialectOf } from '../sql/dialect.ts'
import { eventColumns, eventOf, SELECTED_COLUMNS } from './event-row.ts'
import type { TableNames } from './table-names.ts'

/** Which of the newest events to read. */
export interface NewestQuery {
  /** Events of this tenant, and of all tenants. */
  readonly tenantId: number
  readonly limit: number
  wants(event: SyncEvent): boolean
}

/** Reads the newest events of a tenant, the newest first. */
export type NewestReader = (query: NewestQuery) => Promise<readonly SyncEvent[]>

/** The log has no index on tenants, for which each raise would pay: what is read back of it is bounded. */
const MAX_ROWS = 50_000
/** SQLite holds the thread for so long. */
const ROWS_AT_ONCE = 2_000
/** Their data may be large. */
const EVENTS_AT_ONCE = 100

/** Creates what looks at a tenant's newest events, whether they were handled or not. */
export function createNewestReader(db: SqlExecutor, dialect: Dialect, names: TableNames): NewestReader {
  const { statement } = sqlDialectOf(dialect)
  const log = `${names.syncEvent} e`
  const window = statement(
    `select min(seq) as first from (select e.seq from ${log} where e.seq < $1 order by e.seq desc limit $2) w`,
  )
  const page = statement(`select e.seq, ${SELECTED_COLUMNS[dialect]} from ${log}
    where e.seq >= $1 and e.seq < $2 and e.tenant_id in ($3, ${ALL_TENANTS}) order by e.seq desc limit $4`)

  return async ({ tenantId, limit, wants }) => {
    const found: SyncEvent[] = []
    let before = Number.MAX_SAFE_INTEGER
    for (let looked = 0; looked < MAX_ROWS; looked += ROWS_AT_ONCE) {
      const [row] = await readRows(db, { first: nullable(integer) }, window, [before, ROWS_AT_ONCE])
      const first = row?.first ?? null
      if (first === null) return found
      for (let rows = EVENTS_AT_ONCE; rows === EVENTS_AT_ONCE; ) {
        const events = await readRows(db, { seq: integer, ...eventColumns }, page, [
          first,
          before,
          tenantId,
          EVENTS_AT_ONCE,
        ])
        for (const eventRow of events) {
          const event = eventOf(eventRow)
          if (wants(event)) found.push(event)
          if (found.length >= limit) return found
        }
        rows = events.length
        before = events.at(-1)?.seq ?? first
      }
      before = first
      await new Promise((resolve) => setImmediate(resolve))
    }
    return found
  }
}
