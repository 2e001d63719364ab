import {
  countChanges,
  findsRow,
  integer,
  isDeadNeighbour,
  nullable,
  type RowOf,
  readRows,
  runStatement,
  text,
} from '@x/events-engine/internal'
import type { StoreContext } from './context.ts'

/** The right of one node to deliver to one endpoint, until it expires or is taken over. */
export interface EndpointLease {
  readonly endpointKey: number
  readonly epoch: number
}

/** A lease that was just taken, and whose endpoint it is of. */
export interface TakenLease extends EndpointLease {
  readonly tenantId: number
}

/** A lease that this node still holds, and the version that the endpoint has now. */
export interface RenewedLease extends EndpointLease {
  readonly version: number
}

const leaseColumns = { endpoint_key: integer, epoch: integer }
const takenColumns = { ...leaseColumns, tenant_id: integer }
const renewedColumns = { ...leaseColumns, version: nullable(integer) }

/**
 * Who delivers to an endpoint. Leases end by the database's time, where it has a clock of its own; each taking raises the
 * epoch, which every result must name.
 */
export function leaseStore({ db, sql, names, nodeId, clock }: StoreContext) {
  const leases = sql.records({ endpoint_key: 'integer', epoch: 'integer' })
  const now = sql.now('$2')
  // A node never takes from itself: after a jump of the clock its own leases look expired, and are not.
  const free = `from ${names.queue} q join ${names.endpoint} e on e.key = q.endpoint_key and e.enabled
    where q.due_on <= $2 and (q.leased_by is null
        or q.leased_by <> $1 and (q.leased_until <= ${now} or ${sql.isListed('q.leased_by', '$4', 'text')}))
      and ${sql.isNotListed('e.tenant_id', '$3')}`
  const anyFree = sql.statement(`select 1 as found ${free} limit 1`)
  // Rows that are locked are about to change: not worth waiting for. Locked as for a deletion, since a record of
  // attempts shares their keys only, see record-attempts.
  const take = sql.statement(`update ${names.queue}
    set leased_by = $1, leased_until = ${now} + $5, epoch = epoch + 1
    where endpoint_key in (
      select q.endpoint_key ${free} order by q.due_on limit $6${sql.lock('for update of q skip locked')})
    returning endpoint_key, epoch, (select tenant_id from ${names.endpoint} e where e.key = endpoint_key) as tenant_id`)
  // Nothing is due of these: nothing has to be read of them.
  const idle = `select q.endpoint_key from ${names.queue} q
    join ${names.endpoint} e on e.key = q.endpoint_key and e.enabled
    where ${sql.isListed('q.endpoint_key', '$6')} and (q.due_on is null or q.due_on > $2)
      and (q.leased_by is null or q.leased_by <> $1 and (q.leased_until <= ${now} or ${sql.isListed('q.leased_by', '$4', 'text')}))
      and ${sql.isNotListed('e.tenant_id', '$3')}
    order by q.endpoint_key${sql.lock('for update of q skip locked')}`
  const takeIdle = sql.statement(`update ${names.queue}
    set leased_by = $1, leased_until = ${now} + $5, epoch = epoch + 1
    where ${sql.isChosen('endpoint_key', idle)}
    returning endpoint_key, epoch, (select tenant_id from ${names.endpoint} e where e.key = endpoint_key) as tenant_id`)
  const anyIdle = sql.statement(`select 1 as found from ${names.queue} q
    where ${sql.isListed('q.endpoint_key', '$1')} and (q.leased_by is null or q.leased_by <> $2) limit 1`)
  const enter = sql.statement(`insert into ${names.queue} (endpoint_key)
    select e.key from ${names.endpoint} e where ${sql.isListed('e.key', '$1')} and e.deleted_on is null
      and not exists (select 1 from ${names.queue} q where q.endpoint_key = e.key)
    ${sql.upsert({ key: 'endpoint_key' })}`)
  const missing = sql.statement(`select e.key as endpoint_key from ${names.endpoint} e
    where ${sql.isListed('e.key', '$1')} and e.deleted_on is null
      and not exists (select 1 from ${names.queue} q where q.endpoint_key = e.key) limit 1`)
  // In the order of keys, as in every transaction that locks several.
  const mine = `select endpoint_key from ${names.queue}
    where leased_by = $1 and ${sql.isNotListed('endpoint_key', '$3')}
    order by endpoint_key${sql.lock('for no key update')}`
  const renew = sql.statement(`update ${names.queue} set leased_until = ${now} + $4
    where leased_by = $1 and ${sql.isChosen('endpoint_key', mine)}
    returning endpoint_key, epoch, (select version from ${names.endpoint} e where e.key = endpoint_key) as version`)
  const handed = `select q.endpoint_key from ${names.queue} q
    where q.leased_by = $1 and (q.endpoint_key, q.epoch) in (select l.endpoint_key, l.epoch from ${leases.table('$2', 'l')})
    order by q.endpoint_key${sql.lock('for no key update of q')}`
  const release =
    sql.statement(`update ${names.queue} set leased_by = null, leased_until = 0, handed_back = epoch
    where leased_by = $1 and ${sql.isChosen('endpoint_key', handed)}`)
  const others = sql.statement(
    `select distinct leased_by from ${names.queue} where leased_by is not null and leased_by <> $1`,
  )
  const dueLeased = sql.statement(
    `select endpoint_key from ${names.queue} where leased_by = $1 and due_on <= $2`,
  )
  const next =
    sql.statement(`select q.due_on from ${names.queue} q join ${names.endpoint} e on e.key = q.endpoint_key and e.enabled
    where q.due_on > $1 order by q.due_on limit 1`)
  let deadNodes = '[]'

  return {
    /** @param sated - tenants that get no further lease now. */
    async leaseDueEndpoints(leaseMs: number, limit: number, sated: readonly number[]): Promise<TakenLease[]> {
      const values = [nodeId, clock.now(), JSON.stringify(sated), deadNodes, leaseMs, limit]
      if (sql.isLocal && !(await findsRow(db, anyFree, values))) return []
      const rows = await readRows(db, takenColumns, take, values)
      return rows.map((row) => ({ ...leaseOf(row), tenantId: row.tenant_id }))
    },

    /**
     * Takes endpoints of which nothing is due, as far as they are free.
     *
     * @param sated - tenants that get no further lease now.
     */
    async leaseIdleEndpoints(
      endpointKeys: readonly number[],
      leaseMs: number,
      sated: readonly number[],
    ): Promise<TakenLease[]> {
      const keys = JSON.stringify(endpointKeys)
      // An endpoint has no row until it is leased first, or has something to be delivered. Looked for first: each of
      // these would wait for the write lock.
      if (await findsRow(db, missing, [keys])) await runStatement(db, enter, [keys])
      if (sql.isLocal && !(await findsRow(db, anyIdle, [keys, nodeId]))) return []
      const values = [nodeId, clock.now(), JSON.stringify(sated), deadNodes, leaseMs, keys]
      const rows = await readRows(db, takenColumns, takeIdle, values)
      return rows.map((row) => ({ ...leaseOf(row), tenantId: row.tenant_id }))
    },

    async renewLeases(leaseMs: number, except: readonly number[]): Promise<RenewedLease[]> {
      await clock.sync()
      const values = [nodeId, clock.now(), JSON.stringify(except), leaseMs]
      const rows = await readRows(db, renewedColumns, renew, values)
      return rows.map((row) => ({ ...leaseOf(row), version: row.version ?? 0 }))
    },

    async releaseLeases(released: readonly EndpointLease[]): Promise<void> {
      const rows = released.map(({ endpointKey, epoch }) => ({ endpoint_key: endpointKey, epoch }))
      await countChanges(db, release, [nodeId, leases.encode(rows)])
    },

    /**
     * Remembers which of the other nodes that hold leases are certainly dead: their leases may be taken. Nodes on
     * other machines are dead only once their time is up, whatever their names.
     */
    async findDeadNodes(): Promise<void> {
      if (!sql.isLocal) return
      const rows = await readRows(db, { leased_by: text }, others, [nodeId])
      deadNodes = JSON.stringify(rows.map((row) => row.leased_by).filter(isDeadNeighbour))
    },

    /** The endpoints that this node holds and that have something due. */
    async dueLeasedEndpoints(): Promise<number[]> {
      const rows = await readRows(db, { endpoint_key: integer }, dueLeased, [nodeId, clock.now()])
      return rows.map((row) => row.endpoint_key)
    },

    /** When the next delivery is due, of any enabled endpoint; it may be past. */
    async nextDueOn(after: number): Promise<number | undefined> {
      const [row] = await readRows(db, { due_on: integer }, next, [after])
      return row?.due_on
    },
  }
}

function leaseOf(row: RowOf<typeof leaseColumns>): EndpointLease {
  return { endpointKey: row.endpoint_key, epoch: row.epoch }
}
