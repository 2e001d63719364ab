import { type Kysely, PostgresAdapter, SqliteAdapter } from 'kysely'
import { EventEngineError } from '../errors.ts'
import { type Dialect, findsRow, IDLE_MS, type SqlExecutor } from './database.ts'
import type { SqlDialect } from './dialect.ts'
import { postgres } from './postgres.ts'
import { sqlite } from './sqlite.ts'

const DIALECTS: Readonly<Record<Dialect, SqlDialect>> = { sqlite, postgres }

/** The databases that the engine knows. */
export const DIALECT_NAMES = Object.keys(DIALECTS) as readonly Dialect[]

/** The SQL of a database. */
export function sqlDialectOf(name: Dialect): SqlDialect {
  return DIALECTS[name]
}

/** The SQL of a Kysely instance. */
export function sqlOf<DB>(db: Kysely<DB>): SqlDialect {
  const { adapter } = db.getExecutor()
  if (adapter instanceof SqliteAdapter || isCalled(adapter, 'SqliteAdapter')) return sqlite
  if (adapter instanceof PostgresAdapter || isCalled(adapter, 'PostgresAdapter')) return postgres
  throw new EventEngineError(
    'unsupported_dialect',
    `createEventEngine: options.db speaks ${adapter.constructor.name}; use Kysely's SqliteDialect or PostgresDialect.`,
  )
}

/** Whether an object is of a class, or of one made of it, in whichever copy of Kysely. */
function isCalled(adapter: object, name: string): boolean {
  for (let type: object | null = adapter; type !== null; type = Object.getPrototypeOf(type)) {
    if (type.constructor.name === name) return true
  }
  return false
}

/**
 * Limits how long a transaction may idle. A node whose connection fell silent would otherwise hold its locks for hours. A
 * limit that the host has set stays. Does nothing where there is one writer at a time, which holds no row's lock.
 */
export async function limitIdle(trx: SqlExecutor, sql: SqlDialect, idleMs = IDLE_MS): Promise<void> {
  if (sql.isLocal) return
  await findsRow(trx, sql.statement(`select 1 as found where ${sql.limitsIdleTo('$1')}`), [String(idleMs)])
}
