import { type Clock, systemClock } from '@x/events-core'
import type { SqlExecutor } from '@x/events-engine/support'
import { asSharedClock, createDatabaseClock, type SharedClock } from './clock.ts'

/**
 * The clock that due times are written and compared by. On PostgreSQL, whose nodes may be on many
 * machines, it is the database's. An engine that was given a clock keeps to it: a test wants to move it.
 */
export function sharedClockOf(
  engine: { readonly dialect: string; readonly clock: Clock },
  db: SqlExecutor,
): SharedClock {
  const isShared = engine.dialect === 'postgres' && engine.clock === systemClock
  return isShared ? createDatabaseClock(db) : asSharedClock(engine.clock)
}
