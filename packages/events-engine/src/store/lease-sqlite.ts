import type { Clock } from '@x/events-core'
import { isDeadNeighbour } from '../node-id.ts'
import { integer, nullable, type RowOf, real, text } from '../sql/columns.ts'
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
const unattendedColumns = { name: text, unattendedMs: real }
const heldColumns = { name: text, epoch: integer, revision: integer }

/** A lease of another node, as it was read. */
const seenColumns = { leased_by: nullable(text), leased_until: real, epoch: integer }
type SeenLease = RowOf<typeof seenColumns>

/**
 * Creates the statements about leases. Each taking raises the epoch, which every later write must name.
 *
 * Leases end by the machine's clock, which may be set back. So a lease that was not renewed while its duration passed is
 * over as well.
 */
export function leaseStatements(db: SqlExecutor, names: TableNames, nodeId: string, clock: Clock) {
  const take = (condition: string) => `update ${names.subscription}
    set leased_by = ?, leased_until = ?, epoch = epoch + 1
    where name = ? and state = 'active' and (${condition})
    returning epoch, revision, position, failed_attempts, ahead`
  const takeIfFree = take('leased_by is null or leased_by = ? or leased_until <= ?')
  const takeFromDead = take('leased_by = ? and epoch = ?')
  const holder = `select leased_by, leased_until, epoch from ${names.subscription} where name = ?`
  const seen = new Map<string, SeenLease & { readonly since: number }>()
  // When a subscription was last run is the end of its last lease.
  const create = `insert into ${names.subscription} (name, position, leased_until) values (?, ?, ?)
    on conflict do nothing`
  const unattended = `select name, ? - leased_until as "unattendedMs" from ${names.subscription}
    where leased_until < ? order by name`
  const renew = `update ${names.subscription} set leased_until = ?
    where leased_by = ? and name in (select value from json_each(?)) returning name, epoch, revision`
  const release = `update ${names.subscription} set leased_by = null, leased_until = ? where name = ? and epoch = ?`

  /** Whether a lease has stood still for so long that its holder cannot be at work. */
  function isStale(name: string, held: SeenLease, leaseMs: number): boolean {
    const before = seen.get(name)
    if (before?.epoch === held.epoch && before.leased_until === held.leased_until) {
      return performance.now() - before.since > leaseMs
    }
    seen.set(name, { ...held, since: performance.now() })
    return false
  }

  return {
    async acquireLease(name: string, leaseMs: number): Promise<SubscriptionLease | undefined> {
      const now = clock.now()
      const until = now + leaseMs
      let [row] = await readRows(db, leaseColumns, takeIfFree, [nodeId, until, name, nodeId, now])
      if (!row) {
        const [held] = await readRows(db, seenColumns, holder, [name])
        if (!held?.leased_by) return undefined
        if (!isDeadNeighbour(held.leased_by) && !isStale(name, held, leaseMs)) return undefined
        ;[row] = await readRows(db, leaseColumns, takeFromDead, [
          nodeId,
          until,
          name,
          held.leased_by,
          held.epoch,
        ])
      }
      seen.delete(name)
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
      await runStatement(db, create, [name, position, clock.now()])
    },

    async listUnattended(forMs: number): Promise<UnattendedSubscription[]> {
      const now = clock.now()
      return readRows(db, unattendedColumns, unattended, [now, now - forMs])
    },

    async renewLeases(leaseMs: number, held: readonly string[]): Promise<HeldLease[]> {
      return readRows(db, heldColumns, renew, [clock.now() + leaseMs, nodeId, JSON.stringify(held)])
    },

    async releaseLease(fence: Fence): Promise<void> {
      await countChanges(db, release, [clock.now(), fence.name, fence.epoch])
    },
  }
}
