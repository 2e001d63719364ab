import type { TableNames } from '../table-names.ts'

/**
 * Makes the first delivery of each lane due that waits there, unless another is due in the lane: so one
 * is under way at a time, and a million that wait behind it cost nothing. The endpoints' rows in the queue
 * must be locked, by a statement before. One parameter, JSON: a list of { endpoint_key, lane, due_on }.
 */
export function openLanesStatement(names: TableNames): string {
  const inLane = (row: string) =>
    `${row}.endpoint_key = l.endpoint_key and ${row}.lane = l.lane and ${row}.state = 'pending'`
  return `update ${names.delivery} d set due_on = first.due_on
    from (
      select l.endpoint_key, l.due_on, (
          select w.message_key from ${names.delivery} w where ${inLane('w')} and w.due_on is null
          order by w.message_key limit 1) as message_key
      from json_to_recordset($1::text::json) as l(endpoint_key bigint, lane text, due_on bigint)
      where (select 1 from ${names.delivery} a where ${inLane('a')} and a.due_on is not null limit 1) is null
    ) first
    where d.message_key = first.message_key and d.endpoint_key = first.endpoint_key`
}
