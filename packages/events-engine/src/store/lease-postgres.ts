import { integer, text } from '../sql/columns.ts'
import { countChanges, readRows, runStatement, type SqlExecutor } from '../sql/database.ts'
import type { Fence, HeldLease, Position, SubscriptionLease, UnattendedSubscription } from './event-store.ts'
import type { TableNames } from './table-names.ts'

const leaseColumns = {
  epoch: integer,
  revision: integer,
  position: text,
  failed_attempts: integer,
  ahead: integer,
}
const unattendedColumns = { name: text, unattended_ms: integer }
const heldColumns = { name: text, epoch: integer, revision: integer }

/**
 * Creates the statements about leases. Times are the database's, so that the clocks of nodes do not matter. Each taking
 * raises the epoch, which every later write must name.
 */
export function leaseStatements(db: SqlExecutor, names: TableNames, nodeId: string) {
  const until = (parameter: string) => `now() + ${parameter} * interval '1 millisecond'`
  // A node that handles a batch has the row locked: the lease is not free, and not worth waiting for.
  const take = `update ${names.subscription}
    set leased_by = $1, leased_until = ${until('$2')}, epoch = epoch + 1
    where name = (
      select name from ${names.subscription}
      where name = $3 and state = 'active' and (leased_by is null or leased_by = $1 or leased_until <= now())
      for update skip locked
    )
    returning epoch, revision, position, failed_attempts, ahead`
  // When a subscription was last run is the end of its last lease. Looked for first, since an insert would
  // wait for the batch that has the row locked.
  const create = `insert into ${names.subscription} (name, position, leased_until)
    select $1, $2, now() where not exists (select from ${names.subscription} where name = $1)
    on conflict do nothing`
  const unattended = `select name, (extract(epoch from now() - leased_until) * 1000)::bigint as unattended_ms
    from ${names.subscription} where leased_until < now() - $1 * interval '1 millisecond' order by name`
  const held = 'array(select json_array_elements_text($3::text::json))'
  // Rows that are locked, most likely by a batch of this node, are left out: waiting for one would leave
  // all others locked, so that a slow batch held up every subscription of the node.
  const renew = `with mine as (
      select name from ${names.subscription} where leased_by = $2 and name = any(${held}) for update skip locked
    ), extended as (
      update ${names.subscription} set leased_until = ${until('$1')} where name in (select name from mine)
      returning name, epoch, revision
    )
    select name, epoch, revision from extended
    union all
    select name, epoch, revision from ${names.subscription}
      where leased_by = $2 and name = any(${held}) and name not in (select name from mine)`
  const release = `update ${names.subscription} set leased_by = null, leased_until = now()
    where name = $1 and epoch = $2`

  return {
    async acquireLease(name: string, leaseMs: number): Promise<SubscriptionLease | undefined> {
      const [row] = await readRows(db, leaseColumns, take, [nodeId, leaseMs, name])
      return (
        row && {
          epoch: row.epoch,
          revision: row.revision,
          position: row.position,
          failedAttempts: row.failed_attempts,
          ahead: row.ahead,
        }
      )
    },

    async createSubscription(name: string, position: Position): Promise<void> {
      await runStatement(db, create, [name, position])
    },

    async listUnattended(forMs: number): Promise<UnattendedSubscription[]> {
      const rows = await readRows(db, unattendedColumns, unattended, [forMs])
      return rows.map((row) => ({ name: row.name, unattendedMs: row.unattended_ms }))
    },

    async renewLeases(leaseMs: number, held: readonly string[]): Promise<HeldLease[]> {
      return readRows(db, heldColumns, renew, [leaseMs, nodeId, JSON.stringify(held)])
    },

    async releaseLease(fence: Fence): Promise<void> {
      await countChanges(db, release, [fence.name, fence.epoch])
    },
  }
}
