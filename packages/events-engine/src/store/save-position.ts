import type { SyncEvent } from '@x/events-core'
import type { Kysely } from 'kysely'
import { countChanges, type Dialect, findsRow, type SqlExecutor } from '../sql/database.ts'
import { withPlaceholders } from '../sql/placeholders.ts'
import { ownTransaction } from '../sql/transact.ts'
import { sequenceOf } from './event-row.ts'
import type { Fence, LeasedTransaction, Position, SubscriptionState } from './event-store.ts'
import type { TableNames } from './table-names.ts'

/** The parameters of the condition that fences a write. */
export function fenceValues({ name, epoch, at }: Fence): [string, number, Position | null] {
  return [name, epoch, at ?? null]
}

const aheadValue = (ahead: boolean | undefined) => (ahead === undefined ? null : Number(ahead))

/** SQL: whether a row of the subscriptions is still as its holder knows it. */
export const FENCED = 'where name = ? and epoch = ? and position = coalesce(?, position)'

/**
 * Whether the log still has an event. In a transaction, it keeps the event there until the transaction has
 * ended: whoever purges its tenant waits, and then finds what was written.
 */
export function keptEventQuery(dialect: Dialect, names: TableNames) {
  const find = withPlaceholders(
    dialect,
    `select seq from ${names.syncEvent} where seq = ?${dialect === 'postgres' ? ' for key share' : ''}`,
  )
  return async (executor: SqlExecutor, event: SyncEvent): Promise<boolean> => {
    const sequence = sequenceOf(event)
    return sequence === undefined || (await findsRow(executor, find, [sequence]))
  }
}

/** How a subscription moves on, or stays; every write is fenced by the epoch of its lease. */
export function positionStatements(db: Kysely<unknown>, dialect: Dialect, names: TableNames) {
  const aheadSetting = 'coalesce(cast(? as integer), ahead)'
  const move = withPlaceholders(
    dialect,
    `update ${names.subscription} set position = ?, ahead = ${aheadSetting}, failed_attempts = 0, last_error = null ${FENCED}`,
  )
  // On PostgreSQL the row stays locked while the subscriber works: the lease, which cannot be extended
  // meanwhile, is extended here; and a node that is gone without a word must not keep the lock for ever.
  const idleSetting = `'idle_in_transaction_session_timeout'`
  const moveAndLock = withPlaceholders(
    dialect,
    `update ${names.subscription} set position = ?, ahead = ${aheadSetting}, failed_attempts = 0, last_error = null,
        leased_until = greatest(leased_until, clock_timestamp() + ? * interval '1 millisecond')
      ${FENCED}
      returning set_config(${idleSetting},
        case current_setting(${idleSetting}) when '0' then ?::text else current_setting(${idleSetting}) end, true)`,
  )
  const lock = withPlaceholders(
    dialect,
    dialect === 'sqlite'
      ? `select name from ${names.subscription} ${FENCED}`
      : `select set_config(${idleSetting},
          case current_setting(${idleSetting}) when '0' then ?::text else current_setting(${idleSetting}) end, true)
        from ${names.subscription} ${FENCED} for no key update`,
  )
  const setHeld = withPlaceholders(dialect, `update ${names.subscription} set held = ? where name = ?`)
  // A person may have paused the subscription while the try was under way.
  const fail = withPlaceholders(
    dialect,
    `update ${names.subscription} set failed_attempts = ?, last_error = ?, failed_tenant_id = ?,
        state = case state when 'paused' then state else ? end
      ${FENCED}`,
  )
  const isKept = keptEventQuery(dialect, names)

  async function savePositionIn(
    trx: SqlExecutor,
    fence: Fence,
    position: Position,
    { leaseMs, idleMs }: LeasedTransaction,
    ahead?: boolean,
  ): Promise<boolean> {
    const fenced = fenceValues(fence)
    const changes = await (dialect === 'sqlite'
      ? countChanges(trx, move, [position, aheadValue(ahead), ...fenced])
      : countChanges(trx, moveAndLock, [position, aheadValue(ahead), leaseMs, ...fenced, String(idleMs)]))
    return changes === 1
  }

  return {
    async savePosition(
      fence: Fence,
      position: Position,
      executor: SqlExecutor = db,
      ahead?: boolean,
    ): Promise<boolean> {
      const values = [position, aheadValue(ahead), ...fenceValues(fence)]
      return (await countChanges(executor, move, values)) === 1
    },

    savePositionIn,

    async fenceIn(
      trx: SqlExecutor,
      fence: Fence,
      moved: { readonly position: Position; readonly ahead: boolean } | undefined,
      lasting: LeasedTransaction,
    ): Promise<boolean> {
      if (!moved) {
        const fenced = fenceValues(fence)
        return findsRow(trx, lock, dialect === 'sqlite' ? fenced : [String(lasting.idleMs), ...fenced])
      }
      return savePositionIn(trx, fence, moved.position, lasting, moved.ahead)
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
