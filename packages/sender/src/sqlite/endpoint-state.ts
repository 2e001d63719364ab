import type { TableNames } from '../table-names.ts'

/** Stores states: JSON, a list of those of {@link stateValues}. A state of another life is dropped. */
export function saveStatesStatement(names: TableNames): string {
  return `update ${names.queue} as q set failing_since = s.value ->> 3,
      not_before = s.value ->> 4, details = s.value ->> 5, rate = s.value ->> 6
    from json_each(?) s
    where q.endpoint_key = s.value ->> 0 and q.epoch = s.value ->> 1 and q.resets = s.value ->> 2`
}

/** Somebody wants a try now: the pause is over, and who holds the lease hears of it by the count of resets. */
export function endPauseStatement(names: TableNames): string {
  return `update ${names.queue} set not_before = 0, resets = resets + 1 where endpoint_key = ? and not_before > 0`
}
