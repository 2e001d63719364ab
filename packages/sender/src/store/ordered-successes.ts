import { isUndefinedFunction, readRows } from '@x/events-engine/internal'
import type { AttemptResult } from '../deliveries/attempt-result.ts'
import type { DueDelivery } from '../deliveries/due-delivery.ts'
import { countersOf, packCounters } from '../statistics/counters.ts'
import type { StoreContext } from './context.ts'
import { dueColumns, dueDeliveryOf, openedQuery } from './due.ts'
import { type DueOrderingKey, lockQueueQuery, orderingKeyParts } from './queue.ts'
import { IS_OPEN, resultRecords, rowOf, SUCCESS_COLUMNS, successOf } from './write-results.ts'

type SqlContext = Pick<StoreContext, 'sql' | 'names'>

/**
 * SQL: defines the function that records successes in order, and makes what follows each of them due. It saves the round
 * trips of a transaction, and most of the planning. One statement could not do it: the next delivery has to be looked for after the
 * queue's rows are locked, or one that was stored just before would not be found. Undefined where a database has no
 * such functions.
 *
 * The function gives no row when nothing was written: a lease is lost, or transactions have another level of isolation.
 * Otherwise it gives one whose key is 0, and the deliveries that are due now.
 */
export function orderedSuccessFunction(context: SqlContext): string | undefined {
  const { sql, names } = context
  const [results, now, counters, endpointKeys, toOpen] = ['$1', '$2', '$3', '$4', '$5'] as const
  const given = resultRecords(context).table(results, 'r')
  const columns = SUCCESS_COLUMNS.join(', ')
  const { openQuery } = orderingKeyParts(context, toOpen)
  return sql.defineFunction?.({
    name: names.recordOrdered,
    parameters: ['text', 'integer', 'text', 'text', 'text'],
    returns: `endpoint_key bigint, message_key bigint, attempt_count integer, step integer, due_on bigint, ordering_key text,
      manual boolean, sequence bigint, chain text, event_id text, body text, headers text, traceparent text`,
    body: `
    if current_setting('transaction_isolation') <> 'read committed' or not (
      with locked as materialized (${lockQueueQuery(context, endpointKeys)})
      select count(locked.epoch) = count(*)
      from ${given} left join locked on locked.endpoint_key = r.endpoint_key and locked.epoch = r.epoch
    ) then return; end if;
    with r as materialized (select * from ${given}),
    attempts as (
      insert into ${names.attempt} (${columns}) select ${columns} from r on conflict do nothing returning 1
    ), counters as (
      insert into ${names.counter} (body) select ${counters} where exists (select from attempts) and ${counters} <> ''
    )
    update ${names.delivery} d set ${successOf(now)}
    from r where d.endpoint_key = r.endpoint_key and d.message_key = r.message_key and ${IS_OPEN};
    return query select 0::bigint, 0::bigint, 0, 0, 0::bigint, null::text, null::boolean, null::bigint, null::text,
      ''::text, ''::text, null::text, null::text;
    return query with x as (${openQuery} returning d.*) ${openedQuery(names)};`,
  })
}

/**
 * Creates what records successes in order, in one round trip. Undefined where that takes a transaction.
 *
 * @returns the deliveries that are due now since those before them are done; undefined when nothing was written.
 */
export function createOrderedWrite(context: StoreContext) {
  const { db, sql, names } = context
  if (!sql.defineFunction) return undefined
  const records = resultRecords(context)
  const { orderingKeys } = orderingKeyParts(context)
  const call = sql.statement(`select * from ${names.recordOrdered}($1, $2, $3, $4, $5)`)
  // Missing where only tables were restored.
  let isThere = true

  return async (
    successes: readonly AttemptResult[],
    toOpen: readonly DueOrderingKey[],
    now: number,
  ): Promise<DueDelivery[] | undefined> => {
    if (!isThere) return undefined
    const endpointKeys = [...new Set(successes.map(({ endpointKey }) => endpointKey))]
    const values = [
      records.encode(successes.map(rowOf)),
      now,
      packCounters(countersOf(successes)),
      JSON.stringify(endpointKeys),
      orderingKeys.encode(toOpen),
    ]
    try {
      const [written, ...opened] = await readRows(db, dueColumns, call, values)
      return written && opened.map(dueDeliveryOf)
    } catch (error) {
      if (!isUndefinedFunction(error)) throw error
      isThere = false
      return undefined
    }
  }
}
