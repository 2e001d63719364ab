import {
  flag,
  integer,
  nullable,
  readRows,
  runStatement,
  type SqlExecutor,
  text,
} from '@x/events-engine/support'
import type { StoredEndpointState } from '../deliveries/attempt-result.ts'
import { requeueStatement as requeueOnPostgres } from '../postgres/requeue.ts'
import { requeueStatement as requeueOnSqlite } from '../sqlite/requeue.ts'
import type { StoreContext } from './context.ts'

const lockedColumns = { endpoint_key: integer, epoch: integer }

const stateColumns = {
  failing_since: nullable(integer),
  not_before: integer,
  details: nullable(text),
  rate: nullable(text),
  resets: integer,
  was_handed_back: flag,
}

/** What changes endpoints' rows in the queue: when each is due, and how it does. */
export function queueStatements({ sql, names }: Pick<StoreContext, 'sql' | 'names'>) {
  const lock = sql.statement(`select q.endpoint_key, q.epoch from ${names.queue} q
    where ${sql.limitsIdle} and ${sql.isListed('q.endpoint_key', '$1')}
    order by q.endpoint_key${sql.lock('for update of q')}`)
  const forget = sql.statement(`update ${names.queue}
    set failing_since = null, not_before = 0, details = null, resets = resets + 1 where endpoint_key = $1`)
  const isPostgres = sql.name === 'postgres'
  const requeue = isPostgres ? requeueOnPostgres(names, 'all') : requeueOnSqlite(names)

  return {
    /**
     * Locks endpoints' rows, which comes first in every transaction that changes what is pending: so no due time is
     * computed while another delivery is added, and no lease changes hands under a result that names its epoch. In the order of keys,
     * so that transactions do not wait in a circle. As for a deletion, so that a record of successes is waited for, too,
     * whose rows may be among those that change. One writer at a time needs no lock.
     */
    async lockQueue(trx: SqlExecutor, endpointKeys: readonly number[]): Promise<void> {
      if (isPostgres) await readRows(trx, lockedColumns, lock, [JSON.stringify(endpointKeys)])
    },

    /** The endpoint begins anew, as if it had never failed. */
    async forgetFailures(trx: SqlExecutor, endpointKey: number): Promise<void> {
      await runStatement(trx, forget, [endpointKey])
    },

    /** Makes endpoints due when the first of their pending deliveries is. Their rows must be locked. */
    async requeue(trx: SqlExecutor, endpointKeys: readonly number[], now: number): Promise<void> {
      const keys = JSON.stringify(endpointKeys)
      await runStatement(trx, requeue, isPostgres ? [keys, now] : [keys])
    },
  }
}

/** What the holder of an endpoint's lease knows of its failures and rate, for the next holder. */
export function endpointStateStore({ db, sql, names }: StoreContext) {
  const read = sql.statement(`select failing_since, not_before, details, rate, resets,
      handed_back >= epoch - 1 as was_handed_back
    from ${names.queue} where endpoint_key = $1`)

  return {
    async readEndpointState(endpointKey: number): Promise<StoredEndpointState> {
      const [row] = await readRows(db, stateColumns, read, [endpointKey])
      return {
        failingSince: row?.failing_since ?? null,
        notBefore: row?.not_before ?? 0,
        details: row?.details ?? null,
        rate: row?.rate ?? null,
        resets: row?.resets ?? 0,
        wasHandedBack: row?.was_handed_back ?? true,
      }
    },
  }
}
