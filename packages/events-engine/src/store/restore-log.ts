import { LOG_ID } from '../migrations/log-state.ts'
import { bigInteger, flag } from '../sql/columns.ts'
import { readRows, runStatement, type SqlExecutor } from '../sql/database.ts'
import { limitIdle } from '../sql/dialects.ts'
import { ownTransaction } from '../sql/transact.ts'
import type { LogContext } from './context.ts'
import { isBehind, SNAPSHOT_BEFORE_THIS } from './snapshot-position.ts'

const MAX_INTEGER = 2 ** 31 - 1

/**
 * Creates the statements that make a log readable again after it was restored into another cluster.
 *
 * There, transaction ids start over. Rows and positions carry ids that the new cluster has not given out yet, so that old
 * rows would stay invisible and new ones would seem to be known. The old ids still agree with each other, so the events
 * that a subscription has not handled can be found. It gets the first of them, and everything after it, in the order of
 * the sequence: events that it handled out of that order are repeated, none is lost. Their effects may be stored already:
 * `ahead` counts them.
 */
export function restoreStatements({ db, sql, names }: LogContext) {
  const isRestored = `select exists (
      select from ${names.syncEvent} where xid >= pg_snapshot_xmax(pg_current_snapshot())
    ) or exists (
      select from ${names.subscription}
      where pg_snapshot_xmax(split_part(position, '/', 2)::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot())
    ) as restored`
  const lock = `lock table ${names.subscription} in access exclusive mode`
  const move = `with floors as (
      select s.name, coalesce(
        (select min(e.seq) - 1 from ${names.syncEvent} e where not ${isBehind('s.position')}),
        (select max(seq) from ${names.syncEvent}),
        0
      ) as floor
      from ${names.subscription} s
    )
    update ${names.subscription} s
    set position = 'p/' || ${SNAPSHOT_BEFORE_THIS} || '//' || f.floor, epoch = epoch + 1, leased_by = null,
      ahead = least((select count(*) from ${names.syncEvent} e where e.seq > f.floor), ${MAX_INTEGER})
    from floors f where f.name = s.name
    returning f.name, f.floor`
  // Unhandled rows become news of this transaction; all others are as old as can be.
  const restamp = `update ${names.syncEvent}
    set xid = case when seq > $1::bigint then pg_current_xact_id() else '1'::xid8 end`
  // Positions of the time before are of another log: their snapshots say nothing about these rows.
  const rename = `update ${names.logState} set purged = '0', purged_seq = 0,
    log_id = ${LOG_ID} || '.' || (coalesce(nullif(split_part(log_id, '.', 2), ''), '0')::integer + 1)`

  async function restored(executor: SqlExecutor): Promise<boolean> {
    const [row] = await readRows(executor, { restored: flag }, isRestored)
    return row?.restored ?? false
  }

  return {
    async adoptRestoredLog(): Promise<boolean> {
      if (!(await restored(db))) return false
      return ownTransaction(db, async (trx) => {
        await limitIdle(trx, sql)
        await runStatement(trx, lock)
        // Another node may have been first.
        if (!(await restored(trx))) return false
        const moved = await readRows(trx, { floor: bigInteger }, move)
        let lowest = 2n ** 63n - 1n
        for (const { floor } of moved) if (floor < lowest) lowest = floor
        await runStatement(trx, restamp, [lowest.toString()])
        await runStatement(trx, rename)
        return true
      })
    },
  }
}
