import type { Clock } from '@x/events-core'
import type { Kysely } from 'kysely'
import { integer } from '../../columns.ts'
import { readRows, runStatement } from '../../database.ts'
import { ownTransaction } from '../../transact.ts'
import type { Place, Position, PurgeLimits } from '../event-store.ts'
import type { TableNames } from '../table-names.ts'

/**
 * How old events leave the log. Only the oldest rows are looked at, since the sequence nearly follows
 * the time: a look that finds nothing costs no scan.
 */
export function purgeStatements(db: Kysely<unknown>, names: TableNames, clock: Clock) {
  const remove = `delete from ${names.syncEvent} where seq in (
      select seq from (select seq, modified_on from ${names.syncEvent} order by seq limit ?)
      where modified_on < ? and seq <= coalesce((
        select min(cast(substr(position, 3) as integer)) from ${names.subscription} where leased_until >= ?
      ), 9223372036854775807)
    ) returning seq`
  const note = `update ${names.logState} set purged = max(cast(purged as integer), cast(? as integer))`
  const noted = `select cast(purged as integer) as purged,
      coalesce((select seq from sqlite_sequence where name = '${names.syncEvent}'), 0) as last
    from ${names.logState}`

  return {
    async purge({ keepMs, abandonedAfterMs, limit }: PurgeLimits): Promise<number> {
      const now = clock.now()
      return ownTransaction(db, async (trx) => {
        const rows = await readRows(trx, { seq: integer }, remove, [
          limit,
          now - keepMs,
          now - abandonedAfterMs,
        ])
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
