import { flag, integer, nullable, readRows, type SqlExecutor, text } from '@x/events-engine/support'
import type { StoredEndpointState } from '../deliveries/attempt-result.ts'
import type { DeliveryStore } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'

const stateColumns = {
  failing_since: nullable(integer),
  not_before: integer,
  details: nullable(text),
  rate: nullable(text),
  resets: integer,
  was_handed_back: flag,
}

/** What the holder of an endpoint's lease knows of its health and rate, for the next holder. */
export function endpointStateStatements(
  db: SqlExecutor,
  names: TableNames,
): Pick<DeliveryStore, 'readEndpointState'> {
  const read = `select failing_since, not_before, details, rate, resets, handed_back >= epoch - 1 as was_handed_back
    from ${names.queue} where endpoint_key = $1`

  return {
    async readEndpointState(endpointKey): Promise<StoredEndpointState> {
      const [row] = await readRows(db, stateColumns, read, [endpointKey])
      return {
        failingSince: row?.failing_since ?? null,
        notBefore: row?.not_before ?? 0,
        details: row?.details ?? null,
        rate: row?.rate ?? null,
        resets: row?.resets ?? 0,
        wasHandedBack: row?.was_handed_back ?? true,
      }
    },
  }
}

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

/** The endpoint begins anew, as if it had never failed. */
export function forgetFailuresStatement(names: TableNames): string {
  return `update ${names.queue} set failing_since = null, not_before = 0, details = null, resets = resets + 1
    where endpoint_key = $1`
}
