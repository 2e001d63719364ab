import { EventEngineError, shown } from './errors.ts'

/** Where the engine keeps its tables. */
export interface TableNames {
  readonly syncEvent: string
  readonly subscription: string
  readonly parkedEvent: string
  readonly migration: string
  readonly migrationLock: string
}

const PREFIX = /^[a-z_][a-z0-9_]{0,30}$/

/** The names under a prefix; they enter SQL text as they are, so the prefix is checked here, once. */
export function tableNames(prefix: string): TableNames {
  if (!PREFIX.test(prefix)) {
    throw new EventEngineError(
      'invalid_option',
      `createEventEngine: options.tablePrefix must be lower-case letters, digits and underscores, at most 31; got ${shown(prefix)}.`,
    )
  }
  return Object.freeze({
    syncEvent: `${prefix}sync_event`,
    subscription: `${prefix}subscription`,
    parkedEvent: `${prefix}parked_event`,
    migration: `${prefix}migration`,
    migrationLock: `${prefix}migration_lock`,
  })
}
