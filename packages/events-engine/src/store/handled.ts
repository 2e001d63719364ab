import { ALL_TENANTS, type SyncEvent } from '@x/events-core'
import { integer, nullable, text } from '../sql/columns.ts'
import { readRows } from '../sql/database.ts'
import type { LogContext } from './context.ts'
import { createEventReader, foundColumns, selectedFound } from './found-events.ts'
import { logOrderOf } from './log-order.ts'
import { createLogPlaces, DISORDER_MS } from './places.ts'
import type { Position } from './position.ts'

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

/** Creates what reads the log again up to the position of a durable subscription, in the order of the sequence. */
export function createHandledLog(context: LogContext, subscription: string): HandledLog {
  const { db, sql, names } = context
  const { statement } = sql
  const log = `${names.syncEvent} e`
  const places = createLogPlaces(context)
  const { isBehind } = logOrderOf(context)
  const readWhole = createEventReader(context)

  const stored = statement(`select position from ${names.subscription} where name = $1`)
  const window = statement(
    `select max(seq) as last from (select e.seq from ${log} where e.seq > $1 order by e.seq limit $2) w`,
  )
  // Transactions that commit after the position was stored may have lower sequences. The subscription handles them later.
  const page = statement(`select e.seq, ${selectedFound(sql)} from ${log}
    where e.seq > $1 and e.seq <= $2 and e.tenant_id in ($3, ${ALL_TENANTS}) and ${isBehind('$4')} order by e.seq`)
  const newest = statement(`select e.seq from ${log} where ${isBehind('$1')} order by e.seq desc limit 1`)

  return {
    async rangeSince(time) {
      const [row] = await readRows(db, { position: text }, stored, [subscription])
      if (!row) return undefined
      const [end] = await readRows(db, { seq: integer }, newest, [row.position])
      const last = end?.seq ?? 0
      return { position: row.position, after: (await places.firstOf(time - DISORDER_MS, last)) - 1, last }
    },
    async read({ position, after, tenantId, limit }) {
      const [end] = await readRows(db, { last: nullable(integer) }, window, [after, limit])
      const upto = end?.last ?? null
      if (upto === null) return { events: [], last: undefined }
      const rows = await readRows(db, { ...foundColumns, seq: integer }, page, [
        after,
        upto,
        tenantId,
        position,
      ])
      const found = await readWhole(rows)
      const events = found.flatMap(({ event }) => event ?? [])
      return { events, last: found.length < rows.length ? rows[found.length - 1]?.seq : upto }
    },
    async oldestOn() {
      return (await places.oldest())?.modifiedOn
    },
  }
}
