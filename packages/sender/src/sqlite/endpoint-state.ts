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
    from ${names.queue} where endpoint_key = ?`

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

/** The endpoint begins anew, as if it had never failed. */
export function forgetFailuresStatement(names: TableNames): string {
  return `update ${names.queue} set failing_since = null, not_before = 0, details = null, resets = resets + 1
    where endpoint_key = ?`
}
