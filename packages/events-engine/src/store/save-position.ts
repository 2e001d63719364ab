import type { SyncEvent } from '@x/events-core'
import { countChanges, findsRow, type Parameter, type SqlExecutor } from '../sql/database.ts'
import type { SqlDialect } from '../sql/dialect.ts'
import { ownTransaction } from '../sql/transact.ts'
import type { LogContext } from './context.ts'
import { sequenceOf } from './event-row.ts'
import type { Position } from './position.ts'

export type SubscriptionState = 'active' | 'paused' | 'blocked'

/** What fences a write: it counts only while the epoch is still the one of the lease. */
export interface Fence {
  readonly name: string
  readonly epoch: number
  /**
   * The positions of which one must be stored, too, for a write that moves it together with its effects. After a COMMIT whose
   * response was lost, only the stored position shows whether they happened; and a statement that seemed lost, and is run
   * later than its successors, changes nothing.
   */
  readonly at?: readonly Position[] | undefined
}

/**
 * A fence as a part of another statement, in a database whose queries may write: what the statement writes depends on
 * the fence's row, so one round trip checks the lease, moves the subscription on, and writes. The other parameters of the
 * statement are numbered from {@link FIRST_AFTER_FENCE}.
 */
export interface FencePart {
  /**
   * SQL: the query of a common table expression, which has one row while the lease is held. It locks the
   * subscription's row until the transaction ends.
   *
   * @param condition - where it is false there is no row, and the position stays.
   */
  query(condition: string): string
  readonly parameters: readonly Parameter[]
}

/** The number of the first parameter that a statement may use beside those of a {@link FencePart}. */
export const FIRST_AFTER_FENCE = 6

/** How long the lease of a transaction that moves a subscription is to last, and how long it may idle. */
export interface LeasedTransaction {
  readonly leaseMs: number
  /** A database with many writers ends a transaction that idles for so long. */
  readonly idleMs: number
}

/** A subscription's new position. */
export interface Move {
  readonly position: Position
  /** How many events after the position may have effects that are stored. */
  readonly ahead: number
}

/** The parameters of {@link fenced}. */
export function fenceValues({ name, epoch, at }: Fence): [string, number, string | null] {
  return [name, epoch, at ? JSON.stringify(at) : null]
}

/**
 * SQL: whether a row of the subscriptions is still as the holder of its lease knows it.
 *
 * @param first - the number of the first of three parameters.
 */
export function fenced({ cast, isListed }: SqlDialect, first: number): string {
  const at = `$${first + 2}`
  return `where name = $${first} and epoch = $${first + 1}
    and (${cast(at, 'text')} is null or ${isListed('position', at, 'text')})`
}

/**
 * Creates the check whether the log still has an event. In a transaction, the event stays in the log until the transaction
 * has ended: a purge of its tenant waits, and then finds what was written.
 */
export function keptEventQuery({ sql, names }: LogContext) {
  const { statement, lock } = sql
  const find = statement(`select seq from ${names.syncEvent} where seq = $1${lock('for key share')}`)
  return async (executor: SqlExecutor, event: SyncEvent): Promise<boolean> => {
    const sequence = sequenceOf(event)
    return sequence === undefined || (await findsRow(executor, find, [sequence]))
  }
}

/** Creates the statements that move a subscription, or record a failure. The epoch of its lease fences each of them. */
export function positionStatements(context: LogContext) {
  const { db, sql, names } = context
  const { statement } = sql
  const moveTo =
    'position = $1, ahead = coalesce(cast($2 as integer), ahead), failed_attempts = 0, last_error = null'
  const move = statement(`update ${names.subscription} set ${moveTo} ${fenced(sql, 3)}`)
  // With many writers the row stays locked while the subscriber works, so that the lease cannot be renewed: it is extended here.
  // A limit on idling ends the transaction of a node that has fallen silent, and with it the lock.
  const extended = sql.isLocal
    ? ''
    : `, leased_until = ${sql.greatest('leased_until', `${sql.cast(sql.clock, 'integer')} + ${sql.typed('$6', 'integer')}`)}`
  const moveAndLock = statement(
    `update ${names.subscription} set ${moveTo}${extended} ${fenced(sql, 3)} and ${sql.limitsIdleTo('$7')}`,
  )
  const lockRow = statement(
    `select name from ${names.subscription} ${fenced(sql, 1)} and ${sql.limitsIdleTo('$4')}${sql.lock('for no key update')}`,
  )
  const setHeld = statement(`update ${names.subscription} set held = $1 where name = $2`)
  // The subscription may have been paused while the try was under way.
  const fail = statement(
    `update ${names.subscription} set failed_attempts = $1, last_error = $2, failed_tenant_id = $3,
        state = case state when 'paused' then state else $4 end
      ${fenced(sql, 5)}`,
  )
  const isKept = keptEventQuery(context)

  /**
   * Moves a subscription on in a transaction, and keeps others from its row until the transaction ends.
   *
   * @returns false when the lease was lost: another node has moved it.
   */
  async function savePositionIn(
    trx: SqlExecutor,
    fence: Fence,
    position: Position,
    { leaseMs, idleMs }: LeasedTransaction,
    ahead?: number,
  ): Promise<boolean> {
    const values = [position, ahead ?? null, ...fenceValues(fence), leaseMs, String(idleMs)]
    return (await countChanges(trx, moveAndLock, values)) === 1
  }

  return {
    /**
     * Moves a subscription on.
     *
     * @param ahead - how many events after the position may have effects that are stored; left as it is where it is not given.
     * @returns false when the lease was lost: another node has moved it.
     */
    async savePosition(
      fence: Fence,
      position: Position,
      executor: SqlExecutor = db,
      ahead?: number,
    ): Promise<boolean> {
      const values = [position, ahead ?? null, ...fenceValues(fence)]
      return (await countChanges(executor, move, values)) === 1
    },

    savePositionIn,

    /**
     * Begins a transaction with the fence, and keeps others from the subscription's row until it ends. Without a position
     * nothing is written.
     *
     * @returns false when the lease was lost: another node has moved it.
     */
    async fenceIn(
      trx: SqlExecutor,
      fence: Fence,
      moved: Move | undefined,
      lasting: LeasedTransaction,
    ): Promise<boolean> {
      if (!moved) return findsRow(trx, lockRow, [...fenceValues(fence), String(lasting.idleMs)])
      return savePositionIn(trx, fence, moved.position, lasting, moved.ahead)
    },

    /** The same as a part of another statement. */
    fencePart(fence: Fence, moved: Move | undefined): FencePart {
      return {
        query: (condition) =>
          moved
            ? `update ${names.subscription} set ${moveTo} ${fenced(sql, 3)} and (${condition}) returning 1 as held`
            : `select 1 as held from ${names.subscription} ${fenced(sql, 3)} and (${condition})${sql.lock('for no key update')}`,
        parameters: [moved?.position ?? null, moved?.ahead ?? null, ...fenceValues(fence)],
      }
    },

    /**
     * Has the log keep all events from a sequence on, whatever their age, for as long as the subscription is not abandoned;
     * null: as long as the subscription has not handled them.
     */
    async hold(name: string, sequence: number | null): Promise<void> {
      await countChanges(db, setHeld, [sequence, name])
    },

    /**
     * Stores that a try has failed; the error's text only while the event is in the log. A subscription that is paused
     * stays so.
     *
     * @returns false when the lease was lost.
     */
    async saveFailure(
      fence: Fence,
      event: SyncEvent,
      failedAttempts: number,
      error: string,
      state: SubscriptionState,
    ): Promise<boolean> {
      return ownTransaction(db, async (trx) => {
        const text = (await isKept(trx, event)) ? error : null
        const values = [failedAttempts, text, event.tenantId, state, ...fenceValues(fence)]
        return (await countChanges(trx, fail, values)) === 1
      })
    },

    /** Whether the log still has an event: its tenant may have been purged while a subscriber was at it. */
    isInLog: (event: SyncEvent) => isKept(db, event),
  }
}
