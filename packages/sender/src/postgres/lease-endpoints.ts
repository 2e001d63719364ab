import {
  countChanges,
  integer,
  nullable,
  type RowOf,
  readRows,
  type SqlExecutor,
} from '@x/events-engine/support'
import type { SharedClock } from '../clock.ts'
import type { DeliveryStore, EndpointLease, TakenLease } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'
import { keysOf } from './stored-values.ts'

const leaseColumns = { endpoint_key: integer, epoch: integer }
const takenColumns = { ...leaseColumns, tenant_id: integer }
const renewedColumns = { ...leaseColumns, version: nullable(integer) }

/**
 * Who delivers to an endpoint. Leases end by the database's time; each taking raises the epoch, which
 * every result must name.
 */
export function leaseStatements(
  db: SqlExecutor,
  names: TableNames,
  nodeId: string,
  clock: SharedClock,
): Pick<
  DeliveryStore,
  'leaseDueEndpoints' | 'renewLeases' | 'releaseLeases' | 'findDeadNodes' | 'dueLeasedEndpoints' | 'nextDueOn'
> {
  const until = (parameter: string) => `now() + ${parameter} * interval '1 millisecond'`
  // Rows that somebody has locked are about to change: not worth waiting for. Locked as for a deletion, since
  // whoever records attempts shares their keys only, see record-attempts.
  const take = `update ${names.queue} set leased_by = $1, leased_until = ${until('$2')}, epoch = epoch + 1
    where endpoint_key in (
      select q.endpoint_key from ${names.queue} q join ${names.endpoint} e on e.key = q.endpoint_key and e.enabled
      where q.due_on <= $3 and (q.leased_by is null or q.leased_by <> $1 and q.leased_until <= now())
        and e.tenant_id not in (select value::bigint from json_array_elements_text($5::text::json))
      order by q.due_on limit $4 for update of q skip locked)
    returning endpoint_key, epoch, (select tenant_id from ${names.endpoint} e where e.key = endpoint_key) as tenant_id`
  // In the order of keys, like all who lock several.
  const renew = `with mine as materialized (
      select endpoint_key from ${names.queue} where leased_by = $2 and endpoint_key <> all(${keysOf('$3')})
      order by endpoint_key for no key update
    )
    update ${names.queue} q set leased_until = ${until('$1')} from mine
    where q.endpoint_key = mine.endpoint_key and q.leased_by = $2
    returning q.endpoint_key, q.epoch, (select version from ${names.endpoint} e where e.key = q.endpoint_key) as version`
  const release = `with handed as materialized (
      select q.endpoint_key from ${names.queue} q
      join json_to_recordset($2::text::json) as l(endpoint_key bigint, epoch bigint)
        on l.endpoint_key = q.endpoint_key and l.epoch = q.epoch
      where q.leased_by = $1 order by q.endpoint_key for no key update of q
    )
    update ${names.queue} q set leased_by = null, leased_until = now(), handed_back = q.epoch
    from handed where q.endpoint_key = handed.endpoint_key and q.leased_by = $1`
  const dueLeased = `select endpoint_key from ${names.queue} where leased_by = $1 and due_on <= $2`
  const next = `select q.due_on from ${names.queue} q join ${names.endpoint} e on e.key = q.endpoint_key and e.enabled
    where q.due_on > $1 order by q.due_on limit 1`

  return {
    async leaseDueEndpoints(leaseMs, limit, sated): Promise<TakenLease[]> {
      const values = [nodeId, leaseMs, clock.now(), limit, JSON.stringify(sated)]
      const rows = await readRows(db, takenColumns, take, values)
      return rows.map((row) => ({ ...leaseOf(row), tenantId: row.tenant_id }))
    },

    async renewLeases(leaseMs, except) {
      await clock.sync()
      const rows = await readRows(db, renewedColumns, renew, [leaseMs, nodeId, JSON.stringify(except)])
      return rows.map((row) => ({ ...leaseOf(row), version: row.version ?? 0 }))
    },

    async releaseLeases(leases) {
      const rows = leases.map(({ endpointKey, epoch }) => ({ endpoint_key: endpointKey, epoch }))
      await countChanges(db, release, [nodeId, JSON.stringify(rows)])
    },

    // Other nodes may be on other machines, whatever they are called: only time tells that they are dead.
    async findDeadNodes() {},

    async dueLeasedEndpoints() {
      const rows = await readRows(db, { endpoint_key: integer }, dueLeased, [nodeId, clock.now()])
      return rows.map((row) => row.endpoint_key)
    },

    async nextDueOn(after) {
      const [row] = await readRows(db, { due_on: integer }, next, [after])
      return row?.due_on
    },
  }
}

function leaseOf(row: RowOf<typeof leaseColumns>): EndpointLease {
  return { endpointKey: row.endpoint_key, epoch: row.epoch }
}
