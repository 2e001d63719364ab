import type { Kysely } from 'kysely'

/** One step of a schema: what Kysely 0.28 and 0.29 each call a `Migration`, of modules with different names. */
export interface EventLogMigration {
  up(db: Kysely<unknown>): Promise<void>
}
