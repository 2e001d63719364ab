import { ALL_TENANTS, type SyncEvent } from '@x/events-core'
import { runStatement, type SqlExecutor } from '../../database.ts'
import { type EventRow, eventOf } from '../event-row.ts'
import type { ChangeMarker, EventPage, Position } from '../event-store.ts'
import type { TableNames } from '../table-names.ts'
import { formatPosition, NOTHING_VISIBLE, parsePosition, type SnapshotPosition } from './snapshot-position.ts'

type SequencedRow = EventRow & { readonly seq: string; readonly upto: string }

const COLUMNS = `e.id, e.tenant_id, e.site_id, e.entity_name, e.entity_id, e.action,
  (extract(epoch from e.modified_on) * 1000)::bigint as modified_on, e.data::text as data, e.trace`

/**
 * Reading by pairs of snapshots, so that nothing is skipped and nothing waits for a transaction that
 * stays open.
 *
 * "Not visible in the old snapshot" means: begun after it was taken, or still running when it was.
 * Both are ranges of the index on xid, so that a read costs what is new, however long some
 * transaction holds the snapshot's xmin back.
 */
export function readStatements(db: SqlExecutor, names: TableNames) {
  const news = (from: string, to: string) => `
    select seq from ${names.syncEvent}
    where xid >= pg_snapshot_xmax(${from}) and pg_visible_in_snapshot(xid, ${to})
    union all
    select seq from ${names.syncEvent}
    where xid = any (array(select pg_snapshot_xip(${from}))) and pg_visible_in_snapshot(xid, ${to})`
  const page = (to: string) => `select e.seq, u.upto, ${COLUMNS}
    from (select ${to} as upto) u
    cross join lateral (
      select seq from (${news('$1::pg_snapshot', 'u.upto')}) n where seq > $2::bigint order by seq limit $3
    ) p
    join ${names.syncEvent} e on e.seq = p.seq
    order by e.seq`
  const pageUntilNow = page('pg_current_snapshot()')
  const pageUntil = page('$4::pg_snapshot')
  const marker = `select pg_current_snapshot()::text as marker, exists (${news('$1::pg_snapshot', 'pg_current_snapshot()')}) as changed`
  const firstAt = `select pg_current_snapshot()::text as upto, min(seq) as first from ${names.syncEvent}
    where modified_on >= to_timestamp($1::double precision / 1000)`
  const now = 'select pg_current_snapshot()::text as marker'
  const clientEvents = `select ${COLUMNS} from ${names.syncEvent} e
    where e.action in ('Refresh', 'Reload') and e.tenant_id in ($1, ${ALL_TENANTS})
      and e.modified_on >= to_timestamp($2::double precision / 1000)
    order by e.seq`

  async function currentSnapshot(): Promise<string> {
    const [row] = await runStatement<{ marker: string }>(db, now)
    return (row as { marker: string }).marker
  }

  async function readWindow(
    { from, to, sequence }: SnapshotPosition,
    limit: number,
  ): Promise<{ rows: SequencedRow[]; upto: string | undefined }> {
    const parameters = [from, sequence.toString(), limit]
    const rows = await (to === undefined
      ? runStatement<SequencedRow>(db, pageUntilNow, parameters)
      : runStatement<SequencedRow>(db, pageUntil, [...parameters, to]))
    return { rows, upto: to ?? rows[0]?.upto }
  }

  return {
    startPosition: () => formatPosition({ from: NOTHING_VISIBLE, to: undefined, sequence: 0n }),

    async endPosition(): Promise<Position> {
      return formatPosition({ from: await currentSnapshot(), to: undefined, sequence: 0n })
    },

    parsePosition: (text: string): Position => formatPosition(parsePosition(text)),

    async positionAt(time: Date): Promise<Position> {
      const [row] = await runStatement<{ upto: string; first: string | null }>(db, firstAt, [time.getTime()])
      const { upto, first } = row as { upto: string; first: string | null }
      if (first === null) return formatPosition({ from: upto, to: undefined, sequence: 0n })
      // The second snapshot keeps out what commits from now on: that may have a lower sequence.
      return formatPosition({ from: NOTHING_VISIBLE, to: upto, sequence: BigInt(first) - 1n })
    },

    async findChange(since: string | undefined): Promise<ChangeMarker> {
      if (since === undefined) return { marker: await currentSnapshot(), changed: true }
      const [row] = await runStatement<ChangeMarker>(db, marker, [since])
      return row as ChangeMarker
    },

    async readAfter(position: Position, limit: number): Promise<EventPage> {
      const start = parsePosition(position)
      const { rows, upto } = await readWindow(start, limit)
      if (upto === undefined) return { events: [], position, more: false }
      const full = rows.length === limit
      // Once a window is read to its end, its second snapshot is the first one of the next.
      const end = formatPosition({ from: upto, to: undefined, sequence: 0n })
      const events = rows.map((row, index) => ({
        event: eventOf(row),
        position:
          !full && index === rows.length - 1
            ? end
            : formatPosition({ from: start.from, to: upto, sequence: BigInt(row.seq) }),
      }))
      // The window that is ended may be older than what is committed since: worth another read.
      const more = full || start.to !== undefined
      return { events, position: events.at(-1)?.position ?? end, more }
    },

    async readClientEvents(tenantId: number, since: Date): Promise<SyncEvent[]> {
      const rows = await runStatement<EventRow>(db, clientEvents, [tenantId, since.getTime()])
      return rows.map(eventOf)
    },
  }
}
