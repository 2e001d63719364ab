import { EventEngineError, shown } from '../errors.ts'
import { integer, nullable } from '../sql/columns.ts'
import { readRows } from '../sql/database.ts'
import type { LogContext } from './context.ts'
import { createEventReader, foundColumns, positioned, selectedFound } from './found-events.ts'
import { createLagMeter, MAX_COUNTED } from './lag.ts'
import type { ChangeMarker, EventPage, Place, Position } from './position.ts'

const sequencedColumns = { ...foundColumns, seq: integer }

// A position names its kind, so that one of another database is recognised.
const POSITION = /^s\.(0|[1-9][0-9]{0,15})$/
const positionAfter = (sequence: number): Position => `s.${sequence}`
const sequenceAt = (position: Position): number => Number(position.slice(2))

/**
 * Reading by sequence alone, in a database with one writer at a time: events become visible in the order of their
 * sequences.
 */
export function sequenceOrder(context: LogContext) {
  const { db, sql, names } = context
  const readWhole = createEventReader(context)
  const { statement, time, milliseconds } = sql
  // The greatest sequence ever given, also when retention has deleted its row.
  const last = sql.lastKey(names.syncEvent, 'seq')
  const lastSequence = `select ${last} as seq`
  const pageAfter = statement(`select e.seq, ${selectedFound(sql)} from ${names.syncEvent} e
    where e.seq > $1 order by e.seq limit $2`)
  const firstAt = statement(
    `select min(seq) as first from ${names.syncEvent} where modified_on >= ${time('$1')}`,
  )
  const place = statement(
    `select ${sql.cast('purged', 'integer')} as purged, ${last} as last from ${names.logState}`,
  )
  const lag = statement(`select
      (select count(*) from (select 1 from ${names.syncEvent} where seq > $1 limit ${MAX_COUNTED + 1})) as events,
      (select ${milliseconds('modified_on')} from ${names.syncEvent} where seq > $1 order by seq limit 1) as oldest`)

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
      const rows = await readRows(db, sequencedColumns, pageAfter, [sequenceAt(position), limit])
      const found = await readWhole(rows)
      const events = positioned(found, (index) => positionAfter(rows[index]?.seq ?? 0))
      const last = rows[found.length - 1]
      const more = rows.length === limit || found.length < rows.length
      return { events, position: last ? positionAfter(last.seq) : position, more }
    },

    measureLag: createLagMeter(db, lag, (position) => [sequenceAt(position)]),

    async findPlace(position: Position): Promise<Place> {
      const [row] = await readRows(db, { purged: integer, last: integer }, place)
      const sequence = sequenceAt(position)
      // Beyond the end: a power cut has undone the event before it, or it is of another database.
      if (sequence > (row?.last ?? 0)) return 'unknown'
      return sequence < (row?.purged ?? 0) ? 'expired' : 'kept'
    },

    // A transaction of this process that has raised events holds the connection until it is committed. What is raised without
    // one may wait for others: who raises knows since when.
    longestUncommittedMs: async () => 0,

    // A copied file is the same log, sequence and all.
    adoptRestoredLog: async () => false,

    isBehind: (position: string) => `e.seq <= ${sql.cast(`substr(${position}, 3)`, 'integer')}`,
    deletedNumber: 'seq',
  }
}
