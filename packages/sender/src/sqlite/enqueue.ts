import type { TableNames } from '../table-names.ts'

/**
 * Makes endpoints due at a time, unless they are due sooner. One parameter, JSON: a list of endpoint's key and due time.
 *
 * @param isManual - a person has asked for it: it is due although the endpoint is paused.
 */
export function enqueueStatement(names: TableNames, isManual = false): string {
  const due = isManual ? 'excluded.due_on' : 'max(excluded.due_on, not_before)'
  // A row that is due by then needs no write.
  return `insert into ${names.queue} (endpoint_key, due_on)
    select value ->> 0, value ->> 1 from json_each(?) where true
    on conflict (endpoint_key) do update set due_on = ${due} where due_on is null or due_on > ${due}`
}
