import type { Kysely } from 'kysely'
import type { SqlDialect } from '../sql/dialect.ts'
import type { TableNames } from './table-names.ts'

/** What statements about the log are made of, and run with. */
export interface LogContext {
  readonly db: Kysely<unknown>
  readonly sql: SqlDialect
  readonly names: TableNames
}
