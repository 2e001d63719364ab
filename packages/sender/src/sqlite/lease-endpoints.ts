import type { Clock } from '@x/events-core'
import {
  countChanges,
  findsRow,
  integer,
  isDeadNeighbour,
  nullable,
  type RowOf,
  readRows,
  type SqlExecutor,
  text,
} from '@x/events-engine/support'
import type { DeliveryStore, EndpointLease, TakenLease } from '../delivery-store.ts'
import type { TableNames } from '../table-names.ts'

const leaseColumns = { endpoint_key: integer, epoch: integer }
const takenColumns = { ...leaseColumns, tenant_id: integer }
const renewedColumns = { ...leaseColumns, version: nullable(integer) }

/** Who delivers to an endpoint. Each taking raises the epoch, which every result must name. */
export function leaseStatements(
  db: SqlExecutor,
  names: TableNames,
  nodeId: string,
  clock: Clock,
): Pick<
  DeliveryStore,
  'leaseDueEndpoints' | 'renewLeases' | 'releaseLeases' | 'findDeadNodes' | 'dueLeasedEndpoints' | 'nextDueOn'
> {
  // A node never takes from itself: after a jump of the clock its own leases look expired, and are not.
  const isFree = `(q.leased_by is null or q.leased_by <> ? and (
      q.leased_until <= ? or q.leased_by in (select value from json_each(?))))`
  const free = `from ${names.queue} q join ${names.endpoint} e on e.key = q.endpoint_key and e.enabled = 1
    where q.due_on <= ? and ${isFree}
      and e.tenant_id not in (select value from json_each(?))`
  // Looked for first: an update, even one that finds nothing, would wait for the write lock.
  const anyFree = `select 1 as found ${free} limit 1`
  const take = `update ${names.queue} set leased_by = ?, leased_until = ?, epoch = epoch + 1
    where endpoint_key in (select q.endpoint_key ${free} order by q.due_on limit ?)
    returning endpoint_key, epoch, (select tenant_id from ${names.endpoint} e where e.key = endpoint_key) as tenant_id`
  const renew = `update ${names.queue} set leased_until = ? where leased_by = ? and endpoint_key not in (select value from json_each(?))
    returning endpoint_key, epoch,
    (select version from ${names.endpoint} e where e.key = endpoint_key) as version`
  const release = `update ${names.queue} set leased_by = null, leased_until = 0, handed_back = epoch
    where leased_by = ? and (endpoint_key, epoch) in (select value ->> 0, value ->> 1 from json_each(?))`
  const others = `select distinct leased_by from ${names.queue} where leased_by is not null and leased_by <> ?`
  const dueLeased = `select endpoint_key from ${names.queue} where leased_by = ? and due_on <= ?`
  const next = `select q.due_on from ${names.queue} q join ${names.endpoint} e on e.key = q.endpoint_key and e.enabled = 1
    where q.due_on > ? order by q.due_on limit 1`
  let deadNodes = '[]'

  return {
    async leaseDueEndpoints(leaseMs, limit, sated): Promise<TakenLease[]> {
      const now = clock.now()
      const free = [now, nodeId, now, deadNodes, JSON.stringify(sated)]
      if (!(await findsRow(db, anyFree, free))) return []
      const rows = await readRows(db, takenColumns, take, [nodeId, now + leaseMs, ...free, limit])
      return rows.map((row) => ({ ...leaseOf(row), tenantId: row.tenant_id }))
    },

    async renewLeases(leaseMs, except) {
      const values = [clock.now() + leaseMs, nodeId, JSON.stringify(except)]
      const rows = await readRows(db, renewedColumns, renew, values)
      return rows.map((row) => ({ ...leaseOf(row), version: row.version ?? 0 }))
    },

    async releaseLeases(leases) {
      const keys = JSON.stringify(leases.map(({ endpointKey, epoch }) => [endpointKey, epoch]))
      await countChanges(db, release, [nodeId, keys])
    },

    async findDeadNodes() {
      const rows = await readRows(db, { leased_by: text }, others, [nodeId])
      deadNodes = JSON.stringify(rows.map((row) => row.leased_by).filter(isDeadNeighbour))
    },

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
