import type { TableNames } from '../table-names.ts'
import { keysOf } from './stored-values.ts'

// How far first_on may lag behind, so that a busy endpoint's row is not written with every commit.
const LAG_MS = 1_000

/**
 * Makes endpoints due when the first of their pending deliveries is, and not before their pause is over, unless a
 * person has asked for one.
 * Their rows must be locked, by a statement before. Parameters: their keys as JSON, and the time.
 *
 * @param from - where to begin to look: all, or what is not known to be done.
 */
export function requeueStatement(names: TableNames, from: 'first' | 'all'): string {
  const bound = from === 'all' ? '' : 'and d.due_on >= coalesce(q.first_on, 0)'
  // A constant in the place of kind.tried would be worked out of the condition, and the index with it.
  const firstDue = `(select min(x.due_on) from (values (false), (true)) kind (tried) cross join lateral (
      select d.due_on from ${names.delivery} d
      where d.endpoint_key = q.endpoint_key and d.state = 'pending' and (d.attempt_count > 0) = kind.tried
        and d.due_on is not null ${bound}
      order by d.due_on limit 1) x)`
  const firstManual = `(select min(d.due_on) from ${names.delivery} d
    where d.endpoint_key = q.endpoint_key and d.state = 'pending' and d.manual)`
  const due =
    'case when first.due_on is not null then least(first.manual_on, greatest(first.due_on, q.not_before)) end'
  return `update ${names.queue} q set first_on = first.due_on, due_on = ${due}
    from (select q.endpoint_key, ${firstDue} as due_on, ${firstManual} as manual_on
      from ${names.queue} q where q.endpoint_key = any(${keysOf('$1')})) first
    where q.endpoint_key = first.endpoint_key
      and (q.first_on is distinct from first.due_on or q.due_on is distinct from ${due})
      and (first.due_on is null or first.due_on > $2 or first.due_on >= coalesce(q.first_on, 0) + ${LAG_MS}
        or first.due_on < q.first_on or q.due_on is null or q.due_on > $2 or q.not_before > $2
        or q.due_on > ${due})`
}
