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
import { detailsBegunAnew } from '../deliver/circuit-breaker.ts'
import type { EndpointState, StoredEndpointState } from '../deliveries/attempt-result.ts'
import type { StoreContext } from './context.ts'

/** When an endpoint is due. */
export interface DueEndpoint {
  readonly endpointKey: number
  readonly dueOn: number
}

/** An ordering key of an endpoint, and when the next of its deliveries is due. */
export interface DueOrderingKey extends DueEndpoint {
  readonly orderingKey: string
}

/** Where to begin to look for what is due: at all, or at what is not known to be done. */
export type RequeueFrom = 'all' | 'first'

type SqlContext = Pick<StoreContext, 'sql' | 'names'>

/** How far `first_on` may lag behind, so that a busy endpoint's row is not written with every commit. */
const LAG_MS = 1_000

const lockedColumns = { endpoint_key: integer, epoch: integer }

/** SQL: a table of both kinds of deliveries, never attempted and attempted, each of which an index has in order. */
export const KINDS = '(select false as tried union all select true) kind'

const keepsFirstOn = (sql: StoreContext['sql']): boolean => !sql.isLocal

/** SQL: locks endpoints' rows, in the order of keys; gives their keys and epochs. */
export const lockQueueQuery = ({ sql, names }: SqlContext, endpointKeys: string): string =>
  `select q.endpoint_key, q.epoch from ${names.queue} q
    where ${sql.limitsIdle} and ${sql.isListed('q.endpoint_key', endpointKeys)}
    order by q.endpoint_key${sql.lock('for update of q')}`

/**
 * SQL: makes endpoints due at a time, unless they are due sooner, and locks their rows either way.
 *
 * @param due - a table of endpoint_key and due_on, named `n`.
 * @param condition - of all rows.
 * @param isManual - they are due although they are paused.
 */
export function enqueueQuery(
  { sql, names }: SqlContext,
  due: string,
  condition: string,
  isManual: boolean,
): string {
  const keepsFirst = keepsFirstOn(sql)
  const proposed = sql.proposed('due_on')
  const dueOn = isManual ? proposed : sql.greatest(proposed, 'q.not_before')
  const firstOn = sql.proposed('first_on')
  const isLater = (column: string, time: string) => `q.${column} is null or q.${column} > ${time}`
  return `insert into ${names.queue} as q (endpoint_key, due_on${keepsFirst ? ', first_on' : ''})
      select n.endpoint_key, n.due_on${keepsFirst ? ', n.due_on' : ''} from ${due}
      where ${condition} order by n.endpoint_key${sql.upsert({
        key: 'endpoint_key',
        set: `due_on = ${sql.least('q.due_on', dueOn)}${
          keepsFirst ? `, first_on = ${sql.least('q.first_on', firstOn)}` : ''
        }`,
        // A row that is due by then needs no write.
        where: `${isLater('due_on', dueOn)}${keepsFirst ? ` or ${isLater('first_on', firstOn)}` : ''}`,
      })}`
}

/**
 * SQL: makes the first delivery of each ordering key due, unless another is due in the key.
 *
 * @param parameter - of the ordering keys.
 */
export function orderingKeyParts({ sql, names }: SqlContext, parameter = '$1') {
  const orderingKeys = sql.records({ endpoint_key: 'integer', ordering_key: 'text', due_on: 'integer' })
  const inOrderingKey = (row: string) =>
    `${row}.endpoint_key = l.endpoint_key and ${row}.ordering_key = l.ordering_key and ${row}.state = 'pending'`
  // Each subquery reads one entry of an index: a million that wait in the key cost nothing. In the order of that index, or a planner
  // without statistics may go through all deliveries of the endpoint.
  const openQuery = sql.update({
    table: names.delivery,
    alias: 'd',
    set: 'due_on = first.due_on',
    from: `(
      select l.endpoint_key, l.due_on, (
          select w.message_key from ${names.delivery} w where ${inOrderingKey('w')} and w.due_on is null
          order by w.due_on, w.message_key limit 1) as message_key
      from ${orderingKeys.table(parameter, 'l')}
      where (select 1 from ${names.delivery} a where ${inOrderingKey('a')} and a.due_on is not null limit 1) is null
    ) as first`,
    where: 'd.message_key = first.message_key and d.endpoint_key = first.endpoint_key',
  })
  return {
    openQuery,
    /** Its parameter. */
    orderingKeys: {
      encode: (due: readonly DueOrderingKey[]): string =>
        orderingKeys.encode(
          due.map(({ endpointKey, orderingKey, dueOn }) => ({
            endpoint_key: endpointKey,
            ordering_key: orderingKey,
            due_on: dueOn,
          })),
        ),
    },
  }
}

/**
 * What changes endpoints' rows in the queue. `due_on` tells when to look: not before a pause has ended (`not_before`),
 * unless a person has asked for an attempt. Where many nodes write, `first_on` is never later than the due time of any pending
 * delivery, so that reading passes over the remains of all that are done. Only a local database keeps `due_on`
 * exact: elsewhere a row may say that something is due when the last of it is done, until `requeue` corrects it.
 */
export function queueStatements({ sql, names }: SqlContext) {
  const keepsFirst = keepsFirstOn(sql)
  const endpoints = sql.records({ endpoint_key: 'integer', due_on: 'integer' })
  const enqueueStatement = (isManual: boolean) =>
    sql.statement(enqueueQuery({ sql, names }, endpoints.table('$1', 'n'), sql.limitsIdle, isManual))
  const enqueue = enqueueStatement(false)
  const enqueueManual = enqueueStatement(true)

  const lock = sql.statement(lockQueueQuery({ sql, names }, '$1'))
  const forget = sql.statement(`update ${names.queue}
    set failing_since = null, not_before = 0, details = $2, resets = resets + 1 where endpoint_key = $1`)
  const detailsOf = sql.statement(`select details from ${names.queue} where endpoint_key = $1`)
  const endPause = sql.statement(`update ${names.queue} set not_before = 0, resets = resets + 1
    where endpoint_key = $1 and not_before > 0`)

  const states = sql.records({
    endpoint_key: 'integer',
    epoch: 'integer',
    resets: 'integer',
    failing_since: 'integer',
    not_before: 'integer',
    details: 'text',
    rate: 'text',
  })
  const save = sql.statement(
    sql.update({
      table: names.queue,
      alias: 'q',
      set: 'failing_since = s.failing_since, not_before = s.not_before, details = s.details, rate = s.rate',
      from: states.table('$1', 's'),
      where: 'q.endpoint_key = s.endpoint_key and q.epoch = s.epoch and q.resets = s.resets',
    }),
  )

  const { orderingKeys, openQuery } = orderingKeyParts({ sql, names })
  const open = sql.statement(openQuery)

  function requeueStatement(from: RequeueFrom) {
    const isPending = `d.endpoint_key = q.endpoint_key and d.state = 'pending'`
    const bound = keepsFirst && from === 'first' ? ' and d.due_on >= coalesce(q.first_on, 0)' : ''
    // The kind comes from a table: the condition would be simplified with a constant, and no longer fit the index.
    const firstDue = `(select d.due_on from ${names.delivery} d
      where ${isPending} and (d.attempt_count > 0) = kind.tried and d.due_on is not null${bound}
      order by d.due_on limit 1)`
    const firstManual = `(select min(d.due_on) from ${names.delivery} d where ${isPending} and d.manual is not null)`
    const due = `case when first.due_on is not null
      then ${sql.least('first.manual_on', sql.greatest('first.due_on', 'q.not_before'))} end`
    const isDifferent = sql.differs('q.due_on', `(${due})`)
    const isLagging = `(${sql.differs('q.first_on', 'first.due_on')} or ${isDifferent})
      and (first.due_on is null or first.due_on > $2 or first.due_on >= coalesce(q.first_on, 0) + ${LAG_MS}
        or first.due_on < q.first_on or q.due_on is null or q.due_on > $2 or q.not_before > $2
        or q.due_on > (${due}))`
    return sql.statement(
      sql.update({
        table: names.queue,
        alias: 'q',
        set: `due_on = ${due}${keepsFirst ? ', first_on = first.due_on' : ''}`,
        from: `(select endpoint_key, min(due_on) as due_on, min(manual_on) as manual_on from (
        select q.endpoint_key, ${firstDue} as due_on, ${firstManual} as manual_on
        from ${names.queue} q cross join ${KINDS} where ${sql.isListed('q.endpoint_key', '$1')}) kinds
      group by endpoint_key) as first`,
        where: `q.endpoint_key = first.endpoint_key and ${keepsFirst ? isLagging : isDifferent}`,
      }),
    )
  }
  const requeues = { all: requeueStatement('all'), first: requeueStatement('first') }

  return {
    /**
     * Makes endpoints due at a time, unless they are due sooner, and locks their rows either way.
     *
     * @param isManual - a person has asked for it: it is due although the endpoint is paused.
     */
    async enqueue(trx: SqlExecutor, due: readonly DueEndpoint[], isManual = false): Promise<void> {
      const rows = due.map(({ endpointKey, dueOn }) => ({ endpoint_key: endpointKey, due_on: dueOn }))
      await runStatement(trx, isManual ? enqueueManual : enqueue, [endpoints.encode(rows)])
    },

    /**
     * Makes endpoints due when the first of their pending deliveries is, and not before their pause is over, unless a
     * person has asked for one. Their rows must be locked, by a statement before.
     */
    async requeue(
      trx: SqlExecutor,
      endpointKeys: readonly number[],
      now: number,
      from: RequeueFrom = 'all',
    ): Promise<void> {
      await runStatement(trx, requeues[from], [JSON.stringify(endpointKeys), now])
    },

    /**
     * Locks endpoints' rows, which comes first in every transaction that changes what is pending: so no due time is
     * computed while another delivery is added, and no lease changes hands under a result that names its epoch. In the
     * order of keys, so that transactions do not wait in a circle. As for a deletion, so that a record of successes is waited
     * for, too, whose rows may be among those that change.
     *
     * @returns the epochs of their latest leases.
     */
    async lockQueue(trx: SqlExecutor, endpointKeys: readonly number[]): Promise<ReadonlyMap<number, number>> {
      const rows = await readRows(trx, lockedColumns, lock, [JSON.stringify(endpointKeys)])
      return new Map(rows.map((row) => [row.endpoint_key, row.epoch]))
    },

    /** The endpoint begins anew, as if it had never failed; a recovery is still told of. Its row must be locked. */
    async forgetFailures(trx: SqlExecutor, endpointKey: number): Promise<void> {
      const [row] = await readRows(trx, { details: nullable(text) }, detailsOf, [endpointKey])
      if (row) await runStatement(trx, forget, [endpointKey, detailsBegunAnew(row)])
    },

    /** A person wants an attempt now: the pause is over. The holder of the lease sees it by the count of resets. */
    async endPause(trx: SqlExecutor, endpointKey: number): Promise<void> {
      await runStatement(trx, endPause, [endpointKey])
    },

    /** Stores how endpoints do. A state of another lease, or from before a reset, is dropped. Their rows must be locked. */
    async saveStates(trx: SqlExecutor, saved: readonly EndpointState[]): Promise<void> {
      if (saved.length === 0) return
      const rows = saved.map((state) => ({
        endpoint_key: state.endpointKey,
        epoch: state.epoch,
        resets: state.resets,
        failing_since: state.failingSince,
        not_before: state.notBefore,
        details: state.details,
        rate: state.rate,
      }))
      await runStatement(trx, save, [states.encode(rows)])
    },

    /**
     * Makes the first delivery of each ordering key due, unless another is due in the key: so one is under way at a
     * time. The endpoints' rows must be locked.
     *
     * @returns how many deliveries became due.
     */
    async openOrderingKeys(trx: SqlExecutor, due: readonly DueOrderingKey[]): Promise<number> {
      return due.length === 0 ? 0 : countChanges(trx, open, [orderingKeys.encode(due)])
    },
  }
}

const stateColumns = {
  endpoint_key: integer,
  failing_since: nullable(integer),
  not_before: integer,
  details: nullable(text),
  rate: nullable(text),
  resets: integer,
  was_handed_back: flag,
}

/** What the holder of an endpoint's lease knows of its failures and rate, for the next holder. */
export function endpointStateStore({ db, sql, names }: StoreContext) {
  const read = sql.statement(`select endpoint_key, failing_since, not_before, details, rate, resets,
      handed_back >= epoch - 1 as was_handed_back
    from ${names.queue} where ${sql.isListed('endpoint_key', '$1')}`)

  return {
    /** One without a row in the queue, which is deleted with the endpoint, is left out. */
    async readEndpointStates(
      endpointKeys: readonly number[],
    ): Promise<ReadonlyMap<number, StoredEndpointState>> {
      const rows = await readRows(db, stateColumns, read, [JSON.stringify(endpointKeys)])
      return new Map(
        rows.map((row) => [
          row.endpoint_key,
          {
            failingSince: row.failing_since,
            notBefore: row.not_before,
            details: row.details,
            rate: row.rate,
            resets: row.resets,
            wasHandedBack: row.was_handed_back,
          },
        ]),
      )
    },
  }
}
