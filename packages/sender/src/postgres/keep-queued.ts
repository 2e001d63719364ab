import type { TableNames } from '../table-names.ts'
import { IDLE_LIMIT } from './lock-queue.ts'

/**
 * Keeps endpoints due that are due by a time already, which is how a busy endpoint's row is found: nobody
 * can make them due later until this transaction has ended. Shared, and nothing is written, so that those
 * who record attempts wait for none of this. Gives as many rows as there were endpoints, or else (one of
 * them is not due, or only later) at most fewer; then they have to be enqueued. Parameter: as that of
 * `enqueueStatement`.
 */
export function keepQueuedStatement(names: TableNames): string {
  const isDue = (q: string, n: string) =>
    `${q}.due_on <= greatest(${n}.due_on, ${q}.not_before) and ${q}.first_on <= ${n}.due_on`
  // All or none: locks that were shared first would have to be made exclusive, out of the order of keys.
  return `with n as materialized (select * from json_to_recordset($1) as n(endpoint_key bigint, due_on bigint))
    select q.endpoint_key from n join ${names.queue} q on q.endpoint_key = n.endpoint_key cross join ${IDLE_LIMIT} idle
    where idle.set is not null and ${isDue('q', 'n')} and not exists (
      select from n missing where not exists (
        select from ${names.queue} o where o.endpoint_key = missing.endpoint_key and ${isDue('o', 'missing')}))
    order by q.endpoint_key for share of q`
}
