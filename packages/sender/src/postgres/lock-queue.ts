import { integer, readRows, type SqlExecutor } from '@x/events-engine/internal'
import type { TableNames } from '../table-names.ts'
import { keysOf } from './stored-values.ts'

const IDLE_MS = 3_000
const lockedColumns = { endpoint_key: integer, epoch: integer }

/** SQL: the same as {@link IDLE_LIMIT}, for what a statement returns. */
export const SET_IDLE_LIMIT = `set_config('idle_in_transaction_session_timeout', '${IDLE_MS}', true)`

/**
 * SQL: a row of one column, which limits how long this transaction may do nothing. A node that freezes in
 * its midst would otherwise keep what it has locked from all others.
 */
export const IDLE_LIMIT = `(select ${SET_IDLE_LIMIT} as set)`

/** SQL: what every change of endpoints begins with. Fan-out waits for its end, on all nodes. */
export function raiseRevisionStatement(names: TableNames): string {
  return `update ${names.revision} set value = value + 1 where id = 1 returning ${SET_IDLE_LIMIT}`
}

/**
 * Creates what locks endpoints' rows in the queue, which comes first in every transaction that changes
 * what is pending: so nobody computes when an endpoint is due next while somebody else adds to it, and no
 * lease changes hands under what names its epoch. In the order of keys, so that nobody waits in a circle. As for
 * a deletion, so that whoever records successes is waited for, too, whose rows may be among those that change.
 */
export function createQueueLock(names: TableNames) {
  const statement = `select q.endpoint_key, q.epoch from ${names.queue} q cross join ${IDLE_LIMIT} idle
    where q.endpoint_key = any(${keysOf('$1')}) and idle.set is not null
    order by q.endpoint_key for update of q`

  /** @returns the epochs of their latest leases. */
  return async (trx: SqlExecutor, endpointKeys: readonly number[]): Promise<ReadonlyMap<number, number>> => {
    const rows = await readRows(trx, lockedColumns, statement, [JSON.stringify(endpointKeys)])
    return new Map(rows.map((row) => [row.endpoint_key, row.epoch]))
  }
}
