import type { TableNames } from '../table-names.ts'

/**
 * Makes the first delivery of each lane due that waits there, unless another is due in the lane: so one
 * is under way at a time, and a million that wait behind it cost nothing. One parameter, JSON: a list of
 * endpoint's key, lane, due time.
 */
export function openLanesStatement(names: TableNames): string {
  return `update ${names.delivery} as d set due_on = first.due_on
    from (
      select l.value ->> 0 as endpoint_key, l.value ->> 2 as due_on, (
          select w.message_key from ${names.delivery} w
          where w.endpoint_key = l.value ->> 0 and w.lane = l.value ->> 1
            and w.state = 'pending' and w.due_on is null
          order by w.message_key limit 1) as message_key
      from json_each(?) l
      where not exists (
        select 1 from ${names.delivery} a
        where a.endpoint_key = l.value ->> 0 and a.lane = l.value ->> 1
          and a.state = 'pending' and a.due_on is not null)
    ) first
    where d.message_key = first.message_key and d.endpoint_key = first.endpoint_key`
}
