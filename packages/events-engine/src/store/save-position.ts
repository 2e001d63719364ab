import { countChanges, type Dialect, type SqlExecutor } from '../database.ts'
import type { Fence, Position, SubscriptionState } from './event-store.ts'
import { withPlaceholders } from './placeholders.ts'
import type { TableNames } from './table-names.ts'

const MAX_ERROR_LENGTH = 4_000

/** How a subscription moves on, or stays; every write is fenced by the epoch of its lease. */
export function positionStatements(db: SqlExecutor, dialect: Dialect, names: TableNames) {
  const fenced = 'where name = ? and epoch = ?'
  const move = withPlaceholders(
    dialect,
    `update ${names.subscription} set position = ?, failed_attempts = 0, last_error = null ${fenced}`,
  )
  const fail = withPlaceholders(
    dialect,
    `update ${names.subscription} set failed_attempts = ?, last_error = ?, state = ? ${fenced}`,
  )

  return {
    async savePosition(fence: Fence, position: Position, executor: SqlExecutor = db): Promise<boolean> {
      return (await countChanges(executor, move, [position, fence.name, fence.epoch])) === 1
    },

    async saveFailure(
      fence: Fence,
      failedAttempts: number,
      error: string,
      state: SubscriptionState,
    ): Promise<boolean> {
      const text = error.slice(0, MAX_ERROR_LENGTH)
      return (await countChanges(db, fail, [failedAttempts, text, state, fence.name, fence.epoch])) === 1
    },
  }
}
