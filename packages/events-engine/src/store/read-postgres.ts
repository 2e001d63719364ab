import { ALL_TENANTS, type SyncEvent } from '@x/events-core'
import { bigInteger, nullable, type RowOf, real, text } from '../sql/columns.ts'
import { readRows, type SqlExecutor } from '../sql/database.ts'
import { eventColumns, eventOf, SELECTED_COLUMNS } from './event-row.ts'
import type { ChangeMarker, EventPage, Position } from './event-store.ts'
import {
  durableSnapshot,
  endOfSnapshot,
  formatPosition,
  NOTHING_VISIBLE,
  parsePosition,
  type SnapshotPosition,
} from './snapshot-position.ts'
import type { TableNames } from './table-names.ts'

const sequencedColumns = { ...eventColumns, seq: bigInteger, upto: text, xid: bigInteger }
type SequencedRow = RowOf<typeof sequencedColumns>

/** A snapshot, and the greatest id of a committed transaction in it that is known; null where it does not matter. */
const snapshotColumns = { upto: text, committed: nullable(bigInteger) }
type SnapshotRow = RowOf<typeof snapshotColumns>

/** How far the clocks of two nodes may be apart, so that clients miss nothing that the slower one raises. */
const CLOCKS_APART_MS = 5_000

const COLUMNS = SELECTED_COLUMNS.postgres

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
export function readStatements(db: SqlExecutor, names: TableNames) {
  const news = (from: string, to: string) => `
    select seq from ${names.syncEvent}
    where xid >= pg_snapshot_xmax(${from}) and xid < pg_snapshot_xmax(${to}) and pg_visible_in_snapshot(xid, ${to})
    union all
    select seq from ${names.syncEvent}
    where xid = any (array(select pg_snapshot_xip(${from}))) and pg_visible_in_snapshot(xid, ${to})
      and xid >= pg_snapshot_xmin(${from}) and xid < pg_snapshot_xmax(${from})`
  const page = (to: string) => `select e.seq, e.xid::text as xid, u.upto::text as upto, ${COLUMNS}
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
  const clientEvents = `select ${COLUMNS} from ${names.syncEvent} e
    where e.action in ('Refresh', 'Reload') and e.tenant_id in ($1, ${ALL_TENANTS})
      and e.modified_on >= to_timestamp($2::double precision / 1000)
    order by e.seq`

  const oldestWriter = `select (extract(epoch from clock_timestamp() - min(xact_start)) * 1000)::float8 as age
    from pg_stat_activity where backend_xid is not null and datname = current_database()`

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
      const full = rows.length === limit
      // Once a window is read to its end, its second snapshot is the first one of the next.
      const end = full
        ? undefined
        : formatPosition({ from: await nextFrom(start, upto, rows), to: undefined, sequence: 0n })
      const events = rows.map((row, index) => ({
        event: eventOf(row),
        position:
          end !== undefined && index === rows.length - 1
            ? end
            : formatPosition({ from: start.from, to: upto, sequence: row.seq }),
      }))
      // The window that is ended may be older than what is committed since: worth another read.
      const more = full || start.to !== undefined
      return { events, position: events.at(-1)?.position ?? end ?? position, more }
    },

    async longestUncommittedMs(): Promise<number> {
      const [row] = await readRows(db, { age: nullable(real) }, oldestWriter)
      return Math.ceil(row?.age ?? 0) + CLOCKS_APART_MS
    },

    async readClientEvents(tenantId: number, since: Date): Promise<SyncEvent[]> {
      const rows = await readRows(db, eventColumns, clientEvents, [tenantId, since.getTime()])
      return rows.map(eventOf)
    },
  }
}
