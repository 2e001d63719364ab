import { ALL_TENANTS, type SyncEvent } from '@x/events-core'
import { EventEngineError, shown } from '../errors.ts'
import { integer, nullable } from '../sql/columns.ts'
import { readRows, type SqlExecutor } from '../sql/database.ts'
import { eventColumns, eventOf, SELECTED_COLUMNS } from './event-row.ts'
import type { ChangeMarker, EventPage, Position } from './event-store.ts'
import type { TableNames } from './table-names.ts'

const sequencedColumns = { ...eventColumns, seq: integer }

// A position names its kind, so that one of another database is recognised.
const POSITION = /^s\.(0|[1-9][0-9]{0,15})$/
const positionAfter = (sequence: number): Position => `s.${sequence}`

/**
 * Reading by sequence alone: SQLite has one writer, so that events become visible in the order of
 * their sequences.
 */
export function readStatements(db: SqlExecutor, names: TableNames) {
  // The greatest sequence ever given, also when retention has deleted its row.
  const lastSequence = `select seq from sqlite_sequence where name = '${names.syncEvent}'`
  const pageAfter = `select e.seq, ${SELECTED_COLUMNS.sqlite} from ${names.syncEvent} e
    where e.seq > ? order by e.seq limit ?`
  const firstAt = `select min(seq) as first from ${names.syncEvent} where modified_on >= ?`
  const clientEvents = `select ${SELECTED_COLUMNS.sqlite} from ${names.syncEvent} e
    where e.action in ('Refresh', 'Reload') and e.tenant_id in (?, ${ALL_TENANTS}) and e.modified_on >= ?
    order by e.seq`

  async function readLastSequence(): Promise<number> {
    const [row] = await readRows(db, { seq: integer }, lastSequence)
    return row?.seq ?? 0
  }

  return {
    startPosition: () => positionAfter(0),

    async endPosition(): Promise<Position> {
      return positionAfter(await readLastSequence())
    },

    async positionAt(time: Date): Promise<Position> {
      const [row] = await readRows(db, { first: nullable(integer) }, firstAt, [time.getTime()])
      return row?.first ? positionAfter(row.first - 1) : positionAfter(await readLastSequence())
    },

    async findChange(since: string | undefined): Promise<ChangeMarker> {
      const last = await readLastSequence()
      const marker = String(last)
      return { marker, position: positionAfter(last), changed: marker !== since }
    },

    parsePosition(text: string): Position {
      const sequence = typeof text === 'string' ? POSITION.exec(text)?.[1] : undefined
      if (sequence !== undefined && Number.isSafeInteger(Number(sequence))) return text
      throw new EventEngineError(
        'invalid_position',
        `${shown(text)} is no position of this event log; pass one that it has given out.`,
      )
    },

    async readAfter(position: Position, limit: number): Promise<EventPage> {
      const rows = await readRows(db, sequencedColumns, pageAfter, [Number(position.slice(2)), limit])
      const events = rows.map((row) => ({ event: eventOf(row), position: positionAfter(row.seq) }))
      return { events, position: events.at(-1)?.position ?? position, more: rows.length === limit }
    },

    // A transaction of this process that has raised events holds the connection until it is committed.
    longestUncommittedMs: async () => 0,

    async readClientEvents(tenantId: number, since: Date): Promise<SyncEvent[]> {
      const rows = await readRows(db, eventColumns, clientEvents, [tenantId, since.getTime()])
      return rows.map(eventOf)
    },
  }
}
