import type { TableNames } from '../table-names.ts'
import { IDLE_LIMIT } from './lock-queue.ts'

/**
 * SQL, a query: keeps endpoints due that are due by a time already, which is how a busy endpoint's row is found. Nobody
 * can make them due later until the transaction has ended. Shared, and nothing is written, so that those
 * who record attempts wait for none of this. Gives as many rows as there are endpoints, or else (one of
 * them is not due, or only later) fewer; then they have to be enqueued.
 *
 * @param due - a table of endpoint_key and due_on.
 */
export function keepQueuedQuery(names: TableNames, due: string): string {
  const isQueued = (q: string, n: string) =>
    `${q}.due_on <= greatest(${n}.due_on, ${q}.not_before) and ${q}.first_on <= ${n}.due_on`
  // All or none: locks that were shared first would have to be made exclusive, out of the order of keys.
  return `select q.endpoint_key from ${due} n join ${names.queue} q on q.endpoint_key = n.endpoint_key
      cross join ${IDLE_LIMIT} idle
    where idle.set is not null and ${isQueued('q', 'n')} and not exists (
      select from ${due} missing where not exists (
        select from ${names.queue} o where o.endpoint_key = missing.endpoint_key and ${isQueued('o', 'missing')}))
    order by q.endpoint_key for share of q`
}
