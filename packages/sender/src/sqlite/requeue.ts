import type { TableNames } from '../table-names.ts'

/**
 * Makes endpoints due when the first of their pending deliveries is, and not before their pause is over, unless a
 * person has asked for one. One parameter, JSON: a list of keys.
 */
export function requeueStatement(names: TableNames): string {
  const firstDue = (tried: 0 | 1) => `(select due_on from ${names.delivery}
    where endpoint_key = value and state = 'pending' and (attempt_count > 0) = ${tried} and due_on is not null
    order by due_on limit 1)`
  const firstManual = `(select due_on from ${names.delivery}
    where endpoint_key = value and state = 'pending' and manual is not null order by due_on limit 1)`
  const due =
    'min(coalesce(first.manual_on, max(first.due_on, q.not_before)), max(first.due_on, q.not_before))'
  return `update ${names.queue} as q set due_on = ${due}
    from (
      select endpoint_key, manual_on, min(coalesce(untried, tried), coalesce(tried, untried)) as due_on
      from (select value as endpoint_key, ${firstDue(0)} as untried, ${firstDue(1)} as tried, ${firstManual} as manual_on
        from json_each(?))
    ) first
    where q.endpoint_key = first.endpoint_key and q.due_on is not ${due}`
}
