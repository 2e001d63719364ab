import { bigInteger, nullable, type RowOf, real, text, word } from '../sql/columns.ts'
import { readRows } from '../sql/database.ts'
import type { LogContext } from './context.ts'
import { createEventReader, foundColumns, positioned, selectedFound } from './found-events.ts'
import { createLagMeter, MAX_COUNTED } from './lag.ts'
import type { ChangeMarker, EventPage, Place, Position } from './position.ts'
import { restoreStatements } from './restore-log.ts'
import {
  durableSnapshot,
  endOfSnapshot,
  formatPosition,
  isBehind,
  NOTHING_VISIBLE,
  parsePosition,
  type SnapshotPosition,
} from './snapshot-position.ts'

const sequencedColumns = { ...foundColumns, seq: bigInteger, upto: text, xid: bigInteger }
type SequencedRow = RowOf<typeof sequencedColumns>

/** A snapshot, and the greatest id of a committed transaction in it that is known; null where it does not matter. */
const snapshotColumns = { upto: text, committed: nullable(bigInteger) }
type SnapshotRow = RowOf<typeof snapshotColumns>

/** How far the clocks of two nodes may be apart, so that clients miss nothing that the slower one raises. */
const CLOCKS_APART_MS = 5_000

/**
 * Reading by pairs of snapshots, so that nothing is skipped and nothing waits for a transaction that
 * stays open. A snapshot that others are compared with is cut to what a crash cannot undo, see
 * `durableSnapshot`.
 *
 * "Not visible in the old snapshot" means: begun after it was taken, or still running when it was.
 * Both are ranges of the index on xid, so that a read costs what is new, however long some
 * transaction holds the snapshot's xmin back. The ranges are written with both of their ends, which the
 * rest of each condition implies: without, and as long as no statistics know of the latest ids, the
 * planner takes a good part of the log to be new, and reads all of it.
 */
export function snapshotOrder(context: LogContext) {
  const { db, sql, names } = context
  const readWhole = createEventReader(context)
  const columns = selectedFound(sql)
  const news = (from: string, to: string) => `
    select seq from ${names.syncEvent}
    where xid >= pg_snapshot_xmax(${from}) and xid < pg_snapshot_xmax(${to}) and pg_visible_in_snapshot(xid, ${to})
    union all
    select seq from ${names.syncEvent}
    where xid = any (array(select pg_snapshot_xip(${from}))) and pg_visible_in_snapshot(xid, ${to})
      and xid >= pg_snapshot_xmin(${from}) and xid < pg_snapshot_xmax(${from})`
  const page = (to: string) => `select e.seq, e.xid::text as xid, u.upto::text as upto, ${columns}
    from (select ${to} as upto) u
    cross join lateral (
      select seq from (${news('$1::pg_snapshot', 'u.upto')}) n where seq > $2::bigint order by seq limit $3
    ) p
    join ${names.syncEvent} e on e.seq = p.seq
    order by e.seq`
  const pageUntilNow = page('pg_current_snapshot()')
  const pageUntil = page('$4::pg_snapshot')
  const lastCommitted = (before: string) =>
    `(select xid from ${names.syncEvent} where xid < pg_snapshot_xmax(${before}) order by xid desc limit 1)`
  const change = `select pg_current_snapshot()::text as upto,
      case when changed then ${lastCommitted('pg_current_snapshot()')} end::text as committed
    from (select exists (${news('$1::pg_snapshot', 'pg_current_snapshot()')}) as changed) c`
  const committedBefore = `select ${lastCommitted('$1::pg_snapshot')}::text as committed`
  const firstAt = `select min(seq) as first from ${names.syncEvent}
    where modified_on >= to_timestamp($1::double precision / 1000) and pg_visible_in_snapshot(xid, $2::pg_snapshot)`
  // What was purged was committed as well.
  const now = `select pg_current_snapshot()::text as upto, greatest(
      ${lastCommitted('pg_current_snapshot()')}, (select purged::xid8 from ${names.logState})
    )::text as committed`
  const oldestWriter = `select (extract(epoch from clock_timestamp() - min(xact_start)) * 1000)::float8 as age
    from pg_stat_activity where backend_xid is not null and datname = current_database()`

  // In the midst of a window, its second snapshot tells more than its first, which may be before everything: nothing behind
  // the place is deleted where whatever was deleted had ended in that snapshot, and had no greater sequence. Had it only been
  // visible there, a transaction with a lower id might have been open still, and have been deleted since.
  const place = `select case
      when pg_snapshot_xmax(coalesce($2::pg_snapshot, $1::pg_snapshot)) > pg_snapshot_xmax(pg_current_snapshot())
        or $3::bigint > ${sql.lastKey(names.syncEvent, 'seq')} then 'unknown'
      when pg_visible_in_snapshot(purged::xid8, $1::pg_snapshot) then 'kept'
      when purged::xid8 < pg_snapshot_xmin($2::pg_snapshot) and purged_seq <= $3::bigint then 'kept'
      else 'expired' end as place
    from ${names.logState}`
  const isAfter = '(seq > $3::bigint or not pg_visible_in_snapshot(xid, $2::pg_snapshot))'
  const after = (range: string) => `
    (select seq from ${names.syncEvent} where ${range} and ${isAfter} order by xid, seq limit ${MAX_COUNTED + 1})`
  // Counts what this statement sees and the position's first snapshot did not, without the part of its window that was read
  // already. The index on xid alone answers both ranges. Beyond the cap, the oldest event is that of those counted.
  const lag = `select counted.events, ${sql.milliseconds('first.modified_on')} as oldest
    from (
      select count(*) as events, min(seq) as first from (
        ${after('xid = any (array(select pg_snapshot_xip($1::pg_snapshot)))')}
        union all
        ${after('xid >= pg_snapshot_xmax($1::pg_snapshot)')}
        limit ${MAX_COUNTED + 1}
      ) after_position
    ) counted
    left join ${names.syncEvent} first on first.seq = counted.first`

  async function currentSnapshot(): Promise<string> {
    const [row] = await readRows(db, snapshotColumns, now)
    return durable(row as SnapshotRow)
  }

  function durable({ upto, committed }: SnapshotRow): string {
    return durableSnapshot(upto, committed ?? 0n)
  }

  /** The first snapshot of the window after one that was read to its end. */
  async function nextFrom(
    { from, to }: SnapshotPosition,
    upto: string,
    rows: readonly SequencedRow[],
  ): Promise<string> {
    // The rows of earlier pages are not at hand.
    if (to !== undefined) {
      const [row] = await readRows(db, { committed: nullable(bigInteger) }, committedBefore, [upto])
      return durable({ upto, committed: row?.committed ?? null })
    }
    let committed = endOfSnapshot(from) - 1n
    for (const { xid } of rows) if (xid > committed) committed = xid
    return durableSnapshot(upto, committed)
  }

  async function readWindow(
    { from, to, sequence }: SnapshotPosition,
    limit: number,
  ): Promise<{ rows: SequencedRow[]; upto: string | undefined }> {
    const parameters = [from, sequence.toString(), limit]
    const rows = await (to === undefined
      ? readRows(db, sequencedColumns, pageUntilNow, parameters)
      : readRows(db, sequencedColumns, pageUntil, [...parameters, to]))
    return { rows, upto: to ?? rows[0]?.upto }
  }

  function changeAt(marker: string, changed: boolean): ChangeMarker {
    return { marker, position: formatPosition({ from: marker, to: undefined, sequence: 0n }), changed }
  }

  return {
    startPosition: () => formatPosition({ from: NOTHING_VISIBLE, to: undefined, sequence: 0n }),

    async endPosition(): Promise<Position> {
      return formatPosition({ from: await currentSnapshot(), to: undefined, sequence: 0n })
    },

    parsePosition: (text: string): Position => formatPosition(parsePosition(text)),

    async positionAt(time: Date): Promise<Position> {
      const upto = await currentSnapshot()
      // Before everything, and no further: PostgreSQL knows no time before 4713 BC.
      const since = Math.max(time.getTime(), 0)
      const [row] = await readRows(db, { first: nullable(bigInteger) }, firstAt, [since, upto])
      const first = row?.first ?? null
      if (first === null) return formatPosition({ from: upto, to: undefined, sequence: 0n })
      // The second snapshot keeps out what commits from now on: that may have a lower sequence.
      return formatPosition({ from: NOTHING_VISIBLE, to: upto, sequence: first - 1n })
    },

    async findChange(since: string | undefined): Promise<ChangeMarker> {
      if (since === undefined) return changeAt(await currentSnapshot(), true)
      const [row] = (await readRows(db, snapshotColumns, change, [since])) as [SnapshotRow]
      const changed = row.committed !== null
      return changeAt(changed ? durable(row) : since, changed)
    },

    async readAfter(position: Position, limit: number): Promise<EventPage> {
      const start = parsePosition(position)
      const { rows, upto } = await readWindow(start, limit)
      if (upto === undefined) return { events: [], position, more: false }
      const found = await readWhole(rows)
      const full = rows.length === limit || found.length < rows.length
      // Once a window is read to its end, its second snapshot is the first one of the next.
      const end = full
        ? undefined
        : formatPosition({ from: await nextFrom(start, upto, rows), to: undefined, sequence: 0n })
      const positionOf = (index: number) =>
        end !== undefined && index === rows.length - 1
          ? end
          : formatPosition({ from: start.from, to: upto, sequence: rows[index]?.seq ?? 0n })
      const events = positioned(found, positionOf)
      // The window that is ended may be older than what is committed since: worth another read.
      const more = full || start.to !== undefined
      return { events, position: found.length > 0 ? positionOf(found.length - 1) : (end ?? position), more }
    },

    async longestUncommittedMs(): Promise<number> {
      const [row] = await readRows(db, { age: nullable(real) }, oldestWriter)
      return Math.ceil(row?.age ?? 0) + CLOCKS_APART_MS
    },

    measureLag: createLagMeter(db, lag, (position) => {
      const { from, to, sequence } = parsePosition(position)
      // Without a second snapshot the comparison is null, so that the sequence alone decides.
      return [from, to ?? null, sequence.toString()]
    }),

    async findPlace(position: Position): Promise<Place> {
      const { from, to, sequence } = parsePosition(position)
      const [row] = await readRows(db, { place: word<Place>() }, place, [from, to ?? null, String(sequence)])
      return row?.place ?? 'kept'
    },

    isBehind: (position: string) => isBehind(sql.cast(position, 'text')),
    deletedNumber: 'xid::text',
    ...restoreStatements({ db, sql, names }),
  }
}
