import type { TableNames } from '../table-names.ts'
import { IDLE_LIMIT } from './lock-queue.ts'

/**
 * Makes endpoints due at a time, unless they are due sooner, and locks their rows either way. One
 * parameter, JSON: a list of { endpoint_key, due_on }.
 *
 * @param isManual - a person has asked for it: it is due although the endpoint is paused.
 */
export function enqueueStatement(names: TableNames, isManual = false): string {
  const due = isManual ? 'excluded.due_on' : 'greatest(excluded.due_on, q.not_before)'
  return `insert into ${names.queue} as q (endpoint_key, due_on, first_on)
    select n.endpoint_key, n.due_on, n.due_on
    from json_to_recordset($1::text::json) as n(endpoint_key bigint, due_on bigint) cross join ${IDLE_LIMIT} idle
    where idle.set is not null order by n.endpoint_key
    on conflict (endpoint_key) do update
      set due_on = least(q.due_on, ${due}), first_on = least(q.first_on, excluded.first_on)
      where q.due_on is null or q.due_on > ${due} or q.first_on is null or q.first_on > excluded.first_on`
}
