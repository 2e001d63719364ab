import {
  countChanges,
  flag,
  integer,
  nullable,
  readRows,
  runStatement,
  type SqlExecutor,
  text,
} from '@x/events-engine/internal'
import type { StoredEndpointState } from '../deliveries/attempt-result.ts'
import { enqueueStatement as enqueueOnPostgres } from '../postgres/enqueue.ts'
import { requeueStatement as requeueOnPostgres } from '../postgres/requeue.ts'
import { enqueueStatement as enqueueOnSqlite } from '../sqlite/enqueue.ts'
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

/** When an endpoint is due. */
export interface DueEndpoint {
  readonly endpointKey: number
  readonly dueOn: number
}

/** An ordering key of an endpoint, and when the next of its deliveries is due. */
export interface DueLane extends DueEndpoint {
  readonly lane: string
}

/** What changes endpoints' rows in the queue: when each is due, and how it does. */
export function queueStatements({ sql, names }: Pick<StoreContext, 'sql' | 'names'>) {
  const lock = sql.statement(`select q.endpoint_key, q.epoch from ${names.queue} q
    where ${sql.limitsIdle} and ${sql.isListed('q.endpoint_key', '$1')}
    order by q.endpoint_key${sql.lock('for update of q')}`)
  const forget = sql.statement(`update ${names.queue}
    set failing_since = null, not_before = 0, details = null, resets = resets + 1 where endpoint_key = $1`)
  const endPause = sql.statement(`update ${names.queue} set not_before = 0, resets = resets + 1
    where endpoint_key = $1 and not_before > 0`)
  const lanes = sql.records({ endpoint_key: 'integer', lane: 'text', due_on: 'integer' })
  const inLane = (row: string) =>
    `${row}.endpoint_key = l.endpoint_key and ${row}.lane = l.lane and ${row}.state = 'pending'`
  // Each subquery reads one entry of an index: a million that wait in the key cost nothing.
  const open = sql.statement(
    sql.update({
      table: names.delivery,
      alias: 'd',
      set: 'due_on = first.due_on',
      from: `(
      select l.endpoint_key, l.due_on, (
          select w.message_key from ${names.delivery} w where ${inLane('w')} and w.due_on is null
          order by w.message_key limit 1) as message_key
      from ${lanes.table('$1', 'l')}
      where (select 1 from ${names.delivery} a where ${inLane('a')} and a.due_on is not null limit 1) is null
    ) as first`,
      where: 'd.message_key = first.message_key and d.endpoint_key = first.endpoint_key',
    }),
  )
  const isPostgres = sql.name === 'postgres'
  const requeue = isPostgres ? requeueOnPostgres(names, 'all') : requeueOnSqlite(names)

  const enqueue = isPostgres ? enqueueOnPostgres(names) : enqueueOnSqlite(names)
  const enqueueManual = isPostgres ? enqueueOnPostgres(names, true) : enqueueOnSqlite(names, true)

  return {
    /**
     * Makes endpoints due at a time, unless they are due sooner, and locks their rows either way.
     *
     * @param isManual - a person has asked for it: it is due although the endpoint is paused.
     */
    async enqueue(trx: SqlExecutor, due: readonly DueEndpoint[], isManual = false): Promise<void> {
      const rows = due.map(({ endpointKey, dueOn }) =>
        isPostgres ? { endpoint_key: endpointKey, due_on: dueOn } : [endpointKey, dueOn],
      )
      await runStatement(trx, isManual ? enqueueManual : enqueue, [JSON.stringify(rows)])
    },

    /** A person wants an attempt now: the pause is over. The holder of the lease sees it by the count of resets. */
    async endPause(trx: SqlExecutor, endpointKey: number): Promise<void> {
      await runStatement(trx, endPause, [endpointKey])
    },

    /**
     * Makes the first delivery of each ordering key due, unless another is due in the key: so one is under way at a
     * time. The endpoints' rows must be locked.
     *
     * @returns how many deliveries became due.
     */
    async openLanes(trx: SqlExecutor, due: readonly DueLane[]): Promise<number> {
      if (due.length === 0) return 0
      const rows = due.map(({ endpointKey, lane, dueOn }) => ({
        endpoint_key: endpointKey,
        lane,
        due_on: dueOn,
      }))
      return countChanges(trx, open, [lanes.encode(rows)])
    },

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
