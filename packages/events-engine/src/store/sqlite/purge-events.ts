import type { Clock } from '@x/events-core'
import type { Kysely } from 'kysely'
import { integer } from '../../sql/columns.ts'
import { readRows, runStatement, type SqlExecutor } from '../../sql/database.ts'
import { ownTransaction } from '../../sql/transact.ts'
import { findAgedBehind } from '../dated-ahead.ts'
import type { Place, Position, PurgeLimits } from '../event-store.ts'
import type { TableNames } from '../table-names.ts'

/** The end of a subscription's last lease lies no further ahead, unless the clock was set back. */
const LONGEST_LEASE_MS = 24 * 60 * 60 * 1_000

/**
 * How old events leave the log. Only the oldest rows are looked at, since the sequence nearly follows
 * the time: a look that finds nothing costs no scan.
 */
export function purgeStatements(db: Kysely<unknown>, names: TableNames, clock: Clock) {
  const oldest = `(select seq, modified_on from ${names.syncEvent} order by seq limit ?)`
  const remove = `delete from ${names.syncEvent} where seq in (
      select seq from ${oldest}
      where (modified_on < ? or (modified_on > ? and seq <= max(?, coalesce(
        (select max(seq) from ${oldest} where modified_on < ?), 0))))
      and seq <= coalesce((
        select min(cast(substr(position, 3) as integer)) from ${names.subscription} where leased_until >= ?
      ), 9223372036854775807)
      and seq < coalesce((
        select min(held) from ${names.subscription} where leased_until >= ?
      ), 9223372036854775807)
    ) returning seq`
  const note = `update ${names.logState} set purged = max(cast(purged as integer), cast(? as integer))`
  const noted = `select cast(purged as integer) as purged,
      coalesce((select seq from sqlite_sequence where name = '${names.syncEvent}'), 0) as last
    from ${names.logState}`

  const first = `select seq, modified_on from ${names.syncEvent} where seq >= ? order by seq limit 1`
  const shortenLeases = `update ${names.subscription} set leased_until = ? where leased_until > ?`

  async function firstFrom(trx: SqlExecutor, sequence: number, now: number, keepMs: number) {
    const [row] = await readRows(trx, { seq: integer, modified_on: integer }, first, [sequence])
    return row && { seq: row.seq, isOld: row.modified_on < now - keepMs, isAhead: row.modified_on > now }
  }

  return {
    async purge({ keepMs, abandonedAfterMs, limit }: PurgeLimits): Promise<number> {
      const now = clock.now()
      return ownTransaction(db, async (trx) => {
        await runStatement(trx, shortenLeases, [now + LONGEST_LEASE_MS, now + LONGEST_LEASE_MS])
        const removeUpTo = (aged: number) =>
          readRows(trx, { seq: integer }, remove, [
            limit,
            now - keepMs,
            now,
            aged,
            limit,
            now - keepMs,
            now - abandonedAfterMs,
            now - abandonedAfterMs,
          ])
        let rows = await removeUpTo(0)
        if (rows.length === 0) {
          const aged = await findAgedBehind((from) => firstFrom(trx, from, now, keepMs), limit)
          if (aged > 0) rows = await removeUpTo(aged)
        }
        const last = rows.reduce((greatest, { seq }) => Math.max(greatest, seq), 0)
        if (last > 0) await runStatement(trx, note, [last])
        return rows.length
      })
    },

    async findPlace(position: Position): Promise<Place> {
      const [row] = await readRows(db, { purged: integer, last: integer }, noted)
      const sequence = Number(position.slice(2))
      // Beyond the end: what it stands behind was undone by a power cut, or is of another database.
      if (sequence > (row?.last ?? 0)) return 'unknown'
      return sequence < (row?.purged ?? 0) ? 'expired' : 'kept'
    },
  }
}
