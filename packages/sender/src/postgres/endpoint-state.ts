import type { TableNames } from '../table-names.ts'

/**
 * Stores states: JSON, a list of rows. A state of another life is dropped. The endpoints' rows must be
 * locked, by a statement before.
 */
export function saveStatesStatement(names: TableNames): string {
  return `update ${names.queue} q set failing_since = s.failing_since, not_before = s.not_before,
      details = s.details, rate = s.rate
    from json_to_recordset($1::text::json) as s(endpoint_key bigint, epoch bigint, resets bigint, failing_since bigint,
      not_before bigint, details text, rate text)
    where q.endpoint_key = s.endpoint_key and q.epoch = s.epoch and q.resets = s.resets`
}

/** Somebody wants a try now: the pause is over, and who holds the lease hears of it by the count of resets. */
export function endPauseStatement(names: TableNames): string {
  return `update ${names.queue} set not_before = 0, resets = resets + 1 where endpoint_key = $1 and not_before > 0`
}
