import type { SqlDialect } from '@x/events-engine/internal'
import type { Kysely } from 'kysely'
import type { SharedClock } from '../clock.ts'
import type { TableNames } from '../table-names.ts'

/** What statements are made of, and run with. */
export interface StoreContext {
  readonly db: Kysely<unknown>
  readonly sql: SqlDialect
  readonly names: TableNames
  readonly nodeId: string
  readonly clock: SharedClock
}
