import type { SyncEvent } from '@x/events-core'
import { type Column, flag, text } from '../sql/columns.ts'
import { readRows } from '../sql/database.ts'
import type { SqlDialect } from '../sql/dialect.ts'
import type { LogContext } from './context.ts'
import { columnsWith, type EventRow, eventColumns, eventOf } from './event-row.ts'
import type { Position, PositionedEvent } from './position.ts'

/** Larger data is read apart, since a page may find hundreds of events. */
const SMALL_BYTES = 8 * 1024
/** A page ends with the event whose data brings it to this size: 500 events with small data stay below. */
export const PAGE_CHARACTERS = 4 * 1024 * 1024
const LARGE_AT_ONCE = 4
/**
 * The event loop turns after so much was parsed. It turns by size and not by time: a host that raises without a pause keeps
 * it from turning, and small events must get through.
 */
const TURN_CHARACTERS = 512 * 1024

/** The columns of an event that is found: {@link eventColumns}, and whether there is data. Large data is left out. */
export const foundColumns = { ...eventColumns, has_data: flag }

/** SQL: {@link foundColumns} of the log's table, `e`. */
export const selectedFound = (sql: SqlDialect): string =>
  `${columnsWith(sql, `case when ${sql.isShort('e.data', SMALL_BYTES)} then ${sql.jsonText('e.data')} end`)},
      e.data is not null as has_data`

/** A row of {@link foundColumns}. */
export type FoundRow = EventRow & { readonly seq: number | bigint; readonly has_data: boolean }

/** An event that was read whole. */
export interface FoundEvent {
  /** Undefined where it has been deleted since it was found. */
  readonly event: SyncEvent | undefined
  /** How many characters its data has, as JSON. */
  readonly size: number
}

const dataColumns = { seq: String as Column<string>, data: text }

/** Creates what reads found events whole, from the first on: all of them, or as many as fill a page. */
export function createEventReader({ db, sql, names }: LogContext) {
  const dataOf = sql.statement(`select e.seq, ${sql.jsonText('e.data')} as data from ${names.syncEvent} e
    where ${sql.isListed('e.seq', '$1')}`)

  async function readData(rows: readonly FoundRow[]): Promise<ReadonlyMap<string, string>> {
    const sequences = `[${rows.map(({ seq }) => seq).join(',')}]`
    const found = await readRows(db, dataColumns, dataOf, [sequences])
    return new Map(found.map(({ seq, data }) => [seq, data]))
  }

  return async function readWhole(rows: readonly FoundRow[]): Promise<readonly FoundEvent[]> {
    const events: FoundEvent[] = []
    let large: ReadonlyMap<string, string> = new Map()
    let size = 0
    let turned = 0
    for (const row of rows) {
      if (size >= PAGE_CHARACTERS) break
      if (size - turned >= TURN_CHARACTERS) {
        await new Promise(setImmediate)
        turned = size
      }
      if (isLarge(row) && !large.has(String(row.seq))) {
        large = await readData(rows.slice(events.length).filter(isLarge).slice(0, LARGE_AT_ONCE))
      }
      const found = isLarge(row) ? largeEvent(row, large.get(String(row.seq))) : smallEvent(row)
      events.push(found)
      size += found.size
    }
    return events
  }
}

const smallEvent = (row: FoundRow): FoundEvent => ({ event: eventOf(row), size: row.data?.length ?? 0 })

function largeEvent(row: FoundRow, data: string | undefined): FoundEvent {
  return data === undefined
    ? { event: undefined, size: 0 }
    : { event: eventOf({ ...row, data }), size: data.length }
}

/** The events that are still there, each with the position behind it. */
export function positioned(
  found: readonly FoundEvent[],
  positionOf: (index: number) => Position,
): readonly PositionedEvent[] {
  const events: PositionedEvent[] = []
  for (let index = 0; index < found.length; index++) {
    const { event, size } = found[index] as FoundEvent
    if (event) events.push({ event, size, position: positionOf(index) })
  }
  return events
}

function isLarge({ data, has_data }: FoundRow): boolean {
  return data === null && has_data
}
