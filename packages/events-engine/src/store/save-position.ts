import type { SyncEvent } from '@x/events-core'
import type { Kysely } from 'kysely'
import { countChanges, type Dialect, findsRow, type SqlExecutor } from '../sql/database.ts'
import { sqlDialectOf } from '../sql/dialect.ts'
import { ownTransaction } from '../sql/transact.ts'
import { sequenceOf } from './event-row.ts'
import type { Fence, FencePart, LeasedTransaction, Position, SubscriptionState } from './event-store.ts'
import type { TableNames } from './table-names.ts'

/** The parameters of {@link fenced}. */
export function fenceValues({ name, epoch, at }: Fence): [string, number, string | null] {
  return [name, epoch, at ? JSON.stringify(at) : null]
}

/**
 * SQL: whether a row of the subscriptions is still as the holder of its lease knows it.
 *
 * @param first - the number of the first of three parameters.
 */
export function fenced(dialect: Dialect, first: number): string {
  const { cast, isListed } = sqlDialectOf(dialect)
  const at = `$${first + 2}`
  return `where name = $${first} and epoch = $${first + 1}
    and (${cast(at, 'text')} is null or ${isListed('position', at, 'text')})`
}

/**
 * Creates the check whether the log still has an event. In a transaction, the event stays in the log until the transaction
 * has ended: a purge of its tenant waits, and then finds what was written.
 */
export function keptEventQuery(dialect: Dialect, names: TableNames) {
  const { statement, lock } = sqlDialectOf(dialect)
  const find = statement(`select seq from ${names.syncEvent} where seq = $1${lock('for key share')}`)
  return async (executor: SqlExecutor, event: SyncEvent): Promise<boolean> => {
    const sequence = sequenceOf(event)
    return sequence === undefined || (await findsRow(executor, find, [sequence]))
  }
}

/** Creates the statements that move a subscription, or record a failure. The epoch of its lease fences each of them. */
export function positionStatements(db: Kysely<unknown>, dialect: Dialect, names: TableNames) {
  const { statement, lock } = sqlDialectOf(dialect)
  const isPostgres = dialect === 'postgres'
  const moveTo =
    'position = $1, ahead = coalesce(cast($2 as integer), ahead), failed_attempts = 0, last_error = null'
  const move = statement(`update ${names.subscription} set ${moveTo} ${fenced(dialect, 3)}`)
  // On PostgreSQL the row stays locked while the subscriber works, so that the lease cannot be renewed: it is extended here.
  // A limit on idling ends the transaction of a node that has fallen silent, and with it the lock.
  const extended = isPostgres
    ? `, leased_until = greatest(leased_until, clock_timestamp() + $6 * interval '1 millisecond')`
    : ''
  const idleSetting = `'idle_in_transaction_session_timeout'`
  const limitsIdle = (parameter: string) => `set_config(${idleSetting},
        case current_setting(${idleSetting}) when '0' then ${parameter}::text else current_setting(${idleSetting}) end, true)`
  const moveAndLock = statement(
    `update ${names.subscription} set ${moveTo}${extended} ${fenced(dialect, 3)}${isPostgres ? ` returning ${limitsIdle('$7')}` : ''}`,
  )
  const lockRow = statement(
    `select ${isPostgres ? limitsIdle('$4') : 'name'} from ${names.subscription} ${fenced(dialect, 1)}${lock('for no key update')}`,
  )
  const setHeld = statement(`update ${names.subscription} set held = $1 where name = $2`)
  // The subscription may have been paused while the try was under way.
  const fail = statement(
    `update ${names.subscription} set failed_attempts = $1, last_error = $2, failed_tenant_id = $3,
        state = case state when 'paused' then state else $4 end
      ${fenced(dialect, 5)}`,
  )
  const isKept = keptEventQuery(dialect, names)

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

    async fenceIn(
      trx: SqlExecutor,
      fence: Fence,
      moved: { readonly position: Position; readonly ahead: number } | undefined,
      lasting: LeasedTransaction,
    ): Promise<boolean> {
      if (!moved) return findsRow(trx, lockRow, [...fenceValues(fence), String(lasting.idleMs)])
      return savePositionIn(trx, fence, moved.position, lasting, moved.ahead)
    },

    /** The same as a part of another statement. */
    fencePart(
      fence: Fence,
      moved: { readonly position: Position; readonly ahead: number } | undefined,
    ): FencePart {
      return {
        query: (condition) =>
          moved
            ? `update ${names.subscription} set ${moveTo} ${fenced(dialect, 3)} and (${condition}) returning 1 as held`
            : `select 1 as held from ${names.subscription} ${fenced(dialect, 3)} and (${condition}) for no key update`,
        parameters: [moved?.position ?? null, moved?.ahead ?? null, ...fenceValues(fence)],
      }
    },

    async hold(name: string, sequence: number | null): Promise<void> {
      await countChanges(db, setHeld, [sequence, name])
    },

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

    isInLog: (event: SyncEvent) => isKept(db, event),
  }
}
