import type { Clock } from '@x/events-core'
import { isDeadNeighbour } from '../node-id.ts'
import { integer, nullable, type RowOf, real, text } from '../sql/columns.ts'
import { countChanges, readRows, runStatement } from '../sql/database.ts'
import type { LogContext } from './context.ts'
import type { Position } from './position.ts'
import type { Fence } from './save-position.ts'

/** The right of one node to handle one subscription, until it expires or is taken over. */
export interface SubscriptionLease {
  readonly epoch: number
  /** Counts what people have changed about the subscription. */
  readonly revision: number
  readonly position: Position
  /** Failed tries of the event right after the position, before this lease. */
  readonly failedAttempts: number
  /** How many events after the position may have effects that are stored already; at least 1 where any may. */
  readonly ahead: number
}

/** A lease that was extended, and what has been changed about its subscription. */
export interface HeldLease extends Fence {
  readonly revision: number
}

/** A subscription that no node runs. */
export interface UnattendedSubscription {
  readonly name: string
  readonly unattendedMs: number
}

const leaseColumns = {
  epoch: integer,
  revision: integer,
  position: text,
  failed_attempts: integer,
  ahead: integer,
}
const unattendedColumns = { name: text, unattended_ms: real }
const heldColumns = { name: text, epoch: integer, revision: integer }

/** A lease of another node, as it was read. */
const seenColumns = { leased_by: nullable(text), leased_until: real, epoch: integer }
type SeenLease = RowOf<typeof seenColumns>

/**
 * Creates the statements about leases. Each taking raises the epoch, which every later write must name.
 *
 * Leases end by the database's clock, so that the clocks of nodes do not matter. Where that is the machine's own, it may
 * be set back: there a lease that was not renewed while its duration passed is over as well.
 */
export function leaseStatements({ db, sql, names }: LogContext, nodeId: string, clock: Clock) {
  const { statement, isChosen, isListed, lock } = sql
  const now = sql.now('$1')
  // A node that handles a batch has the row locked: the lease is not free, and not worth waiting for.
  const take = statement(`update ${names.subscription}
    set leased_by = $2, leased_until = ${now} + $3, epoch = epoch + 1
    where name = (
      select name from ${names.subscription}
      where name = $4 and state = 'active' and (leased_by is null or leased_by = $2 or leased_until <= ${now}
        or (leased_by = $5 and epoch = $6))${lock('for update skip locked')}
    )
    returning epoch, revision, position, failed_attempts, ahead`)
  const holder = statement(`select leased_by, leased_until, epoch from ${names.subscription} where name = $1`)
  const seen = new Map<string, SeenLease & { readonly since: number }>()
  // When a subscription was last run is the end of its last lease. Looked for first, since an insert would wait for the batch
  // that has the row locked.
  const create = statement(`insert into ${names.subscription} (name, position, leased_until)
    select $2, $3, ${now} where not exists (select 1 from ${names.subscription} where name = $2)
    ${sql.upsert({ key: 'name' })}`)
  const unattended = statement(`select name, ${now} - leased_until as unattended_ms from ${names.subscription}
    where leased_until < ${now} - $2 order by name`)
  const isMine = `leased_by = $2 and ${isListed('name', '$4', 'text')}`
  // Rows that are locked, most likely by a batch of this node, are left out: waiting for one would leave all others locked, so
  // that a slow batch held up every subscription of the node.
  const renew = statement(`update ${names.subscription} set leased_until = ${now} + $3
    where ${isChosen('name', `select name from ${names.subscription} where ${isMine}${lock('for update skip locked')}`)}
    returning name, epoch, revision`)
  const mine = statement(`select name, epoch, revision from ${names.subscription} where ${isMine}`)
  const release = statement(`update ${names.subscription} set leased_by = null, leased_until = ${now}
    where name = $2 and epoch = $3`)

  /** Whether a lease has stood still for so long that its holder cannot be at work. */
  function isStale(name: string, held: SeenLease, leaseMs: number): boolean {
    const before = seen.get(name)
    if (before?.epoch === held.epoch && before.leased_until === held.leased_until) {
      return performance.now() - before.since > leaseMs
    }
    seen.set(name, { ...held, since: performance.now() })
    return false
  }

  /** The lease of a node that cannot be at work, where the clock by which leases end may be set back. */
  async function findDeadLease(name: string, leaseMs: number): Promise<SeenLease | undefined> {
    if (!sql.isLocal) return undefined
    const [held] = await readRows(db, seenColumns, holder, [name])
    if (!held?.leased_by) return undefined
    return isDeadNeighbour(held.leased_by) || isStale(name, held, leaseMs) ? held : undefined
  }

  return {
    /** Takes the lease of an active subscription if it is free, expired, or held by a node known to be dead. */
    async acquireLease(name: string, leaseMs: number): Promise<SubscriptionLease | undefined> {
      const values = [clock.now(), nodeId, leaseMs, name]
      let [row] = await readRows(db, leaseColumns, take, [...values, null, null])
      if (!row) {
        const dead = await findDeadLease(name, leaseMs)
        if (!dead) return undefined
        ;[row] = await readRows(db, leaseColumns, take, [...values, dead.leased_by, dead.epoch])
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

    /** Creates the subscription unless it exists. */
    async createSubscription(name: string, position: Position): Promise<void> {
      await runStatement(db, create, [clock.now(), name, position])
    },

    /** Those that no node has run for some time. */
    async listUnattended(forMs: number): Promise<UnattendedSubscription[]> {
      const rows = await readRows(db, unattendedColumns, unattended, [clock.now(), forMs])
      return rows.map((row) => ({ name: row.name, unattendedMs: row.unattended_ms }))
    },

    /** Renews the leases of this node for the named subscriptions. @returns those that it still holds. */
    async renewLeases(leaseMs: number, held: readonly string[]): Promise<HeldLease[]> {
      const values = [clock.now(), nodeId, leaseMs, JSON.stringify(held)]
      const renewed = await readRows(db, heldColumns, renew, values)
      if (sql.isLocal || renewed.length === held.length) return renewed
      return readRows(db, heldColumns, mine, values)
    },

    async releaseLease(fence: Fence): Promise<void> {
      await countChanges(db, release, [clock.now(), fence.name, fence.epoch])
    },
  }
}
