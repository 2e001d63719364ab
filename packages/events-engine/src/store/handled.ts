import { ALL_TENANTS, type SyncEvent } from '@x/events-core'
import { integer, nullable, text } from '../sql/columns.ts'
import { type Dialect, type Parameter, readRows, type SqlExecutor, type Statement } from '../sql/database.ts'
import { sqlDialectOf } from '../sql/dialect.ts'
import { eventColumns, eventOf, MODIFIED_ON, SELECTED_COLUMNS } from './event-row.ts'
import type { Position } from './event-store.ts'
import { isBehind } from './snapshot-position.ts'
import type { TableNames } from './table-names.ts'

/** Which part of the log to read again. */
export interface HandledQuery {
  /** Only events before this position. */
  readonly position: Position
  /** Only events with a greater sequence. */
  readonly after: number
  /** Events of this tenant, and of all tenants. */
  readonly tenantId: number
  /** At most so many events are looked at. */
  readonly limit: number
}

/** A part of the log that was handled before. */
export interface HandledEvents {
  readonly events: readonly SyncEvent[]
  /** The sequence to read on after; undefined at the end. */
  readonly last: number | undefined
}

/** The part of the log that a subscription has handled since a time. */
export interface HandledRange {
  /** The position of the subscription; events after it are still to be handled. */
  readonly position: string
  /** Sequences: read after the first, up to the last. */
  readonly after: number
  readonly last: number
}

/** Reads again what a durable subscription has handled, for a replay. */
export interface HandledLog {
  /** Finds what the subscription has handled of all events raised since a time; undefined for no such subscription. */
  rangeSince(time: number): Promise<HandledRange | undefined>
  read(query: HandledQuery): Promise<HandledEvents>
  /** When the oldest event that is kept was raised. */
  oldestOn(): Promise<number | undefined>
}

const placedColumns = { seq: integer, modified_on: integer }

/** The clocks of nodes differ, so that the sequences of a minute's events may not be in the order of their times. */
const DISORDER_MS = 60_000

/** Creates what reads the log again up to the position of a durable subscription, in the order of the sequence. */
export function createHandledLog(
  db: SqlExecutor,
  dialect: Dialect,
  names: TableNames,
  subscription: string,
): HandledLog {
  const { statement } = sqlDialectOf(dialect)
  const log = `${names.syncEvent} e`
  const place = `select e.seq, ${MODIFIED_ON[dialect]} from ${log}`
  const isHandled = (position: string) =>
    dialect === 'postgres'
      ? isBehind(`cast(${position} as text)`)
      : `e.seq <= cast(substr(${position}, 3) as integer)`

  const stored = statement(`select position from ${names.subscription} where name = $1`)
  const window = statement(
    `select max(seq) as last from (select e.seq from ${log} where e.seq > $1 order by e.seq limit $2) w`,
  )
  // Transactions that commit after the position was stored may have lower sequences. The subscription handles them later.
  const page = statement(`select e.seq, ${SELECTED_COLUMNS[dialect]} from ${log}
    where e.seq > $1 and e.seq <= $2 and e.tenant_id in ($3, ${ALL_TENANTS}) and ${isHandled('$4')} order by e.seq`)
  const newest = statement(`select e.seq from ${log} where ${isHandled('$1')} order by e.seq desc limit 1`)
  const oldest = statement(`${place} order by e.seq limit 1`)
  const from = statement(`${place} where e.seq >= $1 order by e.seq limit 1`)

  async function readPlace(query: Statement, parameters: readonly Parameter[] = []) {
    const [row] = await readRows(db, placedColumns, query, parameters)
    return row && { sequence: row.seq, modifiedOn: row.modified_on }
  }

  /** Finds the first sequence of a time by bisection: sequences ascend with time. */
  async function firstOf(time: number, last: number): Promise<number> {
    let low = (await readPlace(oldest))?.sequence ?? last + 1
    let high = last + 1
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const found = await readPlace(from, [middle])
      if (found && found.sequence < high && found.modifiedOn < time) low = found.sequence + 1
      else high = middle
    }
    return low
  }

  return {
    async rangeSince(time) {
      const [row] = await readRows(db, { position: text }, stored, [subscription])
      if (!row) return undefined
      const [end] = await readRows(db, { seq: integer }, newest, [row.position])
      const last = end?.seq ?? 0
      return { position: row.position, after: (await firstOf(time - DISORDER_MS, last)) - 1, last }
    },
    async read({ position, after, tenantId, limit }) {
      const [found] = await readRows(db, { last: nullable(integer) }, window, [after, limit])
      const upto = found?.last ?? null
      if (upto === null) return { events: [], last: undefined }
      const rows = await readRows(db, { ...eventColumns, seq: integer }, page, [
        after,
        upto,
        tenantId,
        position,
      ])
      return { events: rows.map(eventOf), last: upto }
    },
    async oldestOn() {
      return (await readPlace(oldest))?.modifiedOn
    },
  }
}
