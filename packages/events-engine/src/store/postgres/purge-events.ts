import type { Kysely } from 'kysely'
import { bigInteger, flag, integer, text } from '../../sql/columns.ts'
import { IDLE_MS, readRows, runStatement, type SqlExecutor } from '../../sql/database.ts'
import { ownTransaction } from '../../sql/transact.ts'
import { findAgedBehind } from '../dated-ahead.ts'
import type { Place, Position, PurgeLimits } from '../event-store.ts'
import { parsePosition } from '../snapshot-position.ts'
import type { TableNames } from '../table-names.ts'

/** SQL: whether the event `e` lies behind the position in the text `position`. */
export function isBehind(position: string): string {
  const snapshot = (part: number) => `nullif(split_part(${position}, '/', ${part}), '')::pg_snapshot`
  return `coalesce(
      pg_visible_in_snapshot(e.xid, ${snapshot(2)})
      or (pg_visible_in_snapshot(e.xid, ${snapshot(3)}) and e.seq <= split_part(${position}, '/', 4)::bigint),
      false)`
}

/**
 * How old events leave the log. Only the oldest rows are looked at, since the sequence nearly follows
 * the time; rows that another node is deleting are passed over.
 */
export function purgeStatements(db: Kysely<unknown>, names: TableNames) {
  const ago = (parameter: string) => `now() - ${parameter} * interval '1 millisecond'`
  const remove = `delete from ${names.syncEvent} where seq in (
      select e.seq from (select seq from ${names.syncEvent} order by seq limit $1) oldest
      join ${names.syncEvent} e on e.seq = oldest.seq
      where (e.modified_on < ${ago('$2')} or (e.modified_on > now() and e.seq <= greatest($4::bigint, (
        select max(seq) from (select seq, modified_on from ${names.syncEvent} order by seq limit $1) o
        where o.modified_on < ${ago('$2')}
      )))) and not exists (
        select from ${names.subscription} s
        where s.leased_until >= ${ago('$3')} and (s.held <= e.seq or not ${isBehind('s.position')})
      )
      for update of e skip locked
    ) returning xid::text as xid, set_config('idle_in_transaction_session_timeout', '${IDLE_MS}', true)`
  const note = `update ${names.logState} set purged = greatest(purged::numeric, $1::numeric)::text`
  // Who may insert need not be allowed to read the sequence; the newest row tells nearly the same.
  const lastSequence = `greatest((select max(seq) from ${names.syncEvent}), (
      select case when has_sequence_privilege(s.name::regclass, 'select, usage')
        then pg_sequence_last_value(s.name::regclass) end
      from pg_get_serial_sequence('${names.syncEvent}', 'seq') s(name)
    ), 0)`
  const place = `select case
      when pg_snapshot_xmax(coalesce($2::pg_snapshot, $1::pg_snapshot)) > pg_snapshot_xmax(pg_current_snapshot())
        or $3::bigint > ${lastSequence} then 'unknown'
      when not pg_visible_in_snapshot(purged::xid8, $1::pg_snapshot) then 'expired'
      else 'kept' end as place
    from ${names.logState}`

  const first = `select seq, modified_on < ${ago('$2')} as is_old, modified_on > now() as is_ahead
    from ${names.syncEvent} where seq >= $1 order by seq limit 1`

  const firstColumns = { seq: integer, is_old: flag, is_ahead: flag }

  async function firstFrom(trx: SqlExecutor, sequence: number, keepMs: number) {
    const [row] = await readRows(trx, firstColumns, first, [sequence, keepMs])
    return row && { seq: row.seq, isOld: row.is_old, isAhead: row.is_ahead }
  }

  return {
    async purge({ keepMs, abandonedAfterMs, limit }: PurgeLimits): Promise<number> {
      return ownTransaction(db, async (trx) => {
        const removeUpTo = (aged: number) =>
          readRows(trx, { xid: bigInteger }, remove, [limit, keepMs, abandonedAfterMs, aged])
        let rows = await removeUpTo(0)
        if (rows.length === 0) {
          const aged = await findAgedBehind((from) => firstFrom(trx, from, keepMs), limit)
          if (aged > 0) rows = await removeUpTo(aged)
        }
        let last = 0n
        for (const { xid } of rows) if (xid > last) last = xid
        if (last > 0n) await runStatement(trx, note, [last.toString()])
        return rows.length
      })
    },

    async findPlace(position: Position): Promise<Place> {
      const { from, to, sequence } = parsePosition(position)
      const [row] = await readRows(db, { place: text }, place, [from, to ?? null, String(sequence)])
      return (row?.place ?? 'kept') as Place
    },
  }
}
