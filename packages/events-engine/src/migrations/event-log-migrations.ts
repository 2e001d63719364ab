import type { Assertion, FieldNames } from '@x/events-core'
import type { Kysely } from 'kysely'
import type { Dialect, SqlExecutor } from '../sql/database.ts'
import type { SqlDialect } from '../sql/dialect.ts'
import { DIALECT_NAMES, sqlDialectOf } from '../sql/dialects.ts'
import { createCaptureTables, createEventLog } from '../store/schema.ts'
import { DEFAULT_TABLE_PREFIX, type TableNames, tableNames } from '../store/table-names.ts'
import { createOptionAssertion } from '../util/assert.ts'
import { logStateStatements } from './log-state.ts'
import type { EventLogMigration } from './run-migrations.ts'

const assertOption: Assertion = createOptionAssertion('eventLogMigrations')

type Step = (db: SqlExecutor, sql: SqlDialect, names: TableNames) => Promise<void>

/** The steps to today's tables, oldest first. A released one never changes; new ones go to the end. */
const STEPS: Readonly<Record<string, Step>> = {
  '0001_event_log': createEventLog,
  '0002_capture': createCaptureTables,
}

/** The version of the tables that this version of the engine works with. */
export const LATEST_SCHEMA_VERSION = Object.keys(STEPS).length

/** The options of {@link eventLogMigrations}: the same values as for `createEventEngine`. */
export interface EventLogMigrationOptions {
  readonly dialect: Dialect
  /** @defaultValue 'xe_' */
  readonly tablePrefix?: string | undefined
  /**
   * PostgreSQL only.
   * @defaultValue the first schema of the search path
   */
  readonly schema?: string | undefined
}

const OPTIONS: FieldNames<EventLogMigrationOptions> = { dialect: true, tablePrefix: true, schema: true }

/**
 * The engine's migrations, for a host that runs them among its own instead of calling
 * `engine.migrate()`. Kysely runs migrations in the order of their names, so give each a name that
 * sorts after those of yours that have run already, and never rename it.
 *
 * A step that has run, here or by `engine.migrate()`, does nothing when it is run again.
 *
 * @throws EventEngineError `invalid_option`
 * @example
 * ```ts
 * import { eventLogMigrations } from '@x/events-engine'
 * import type { Assertion, FieldNames } from '@x/events-core'
import type { Kysely } from 'kysely'
 * import { type Migration, Migrator } from 'kysely/migration'
 *
 * function createMigrator(db: Kysely<unknown>, own: Record<string, Migration>): Migrator {
 *   const steps = eventLogMigrations({ dialect: 'postgres' })
 *   const migrations = { ...own, '2026-11-24_event_log': steps['0001_event_log'] as Migration }
 *   return new Migrator({ db, provider: { getMigrations: async () => migrations } })
 * }
 * ```
 */
export function eventLogMigrations(options: EventLogMigrationOptions): Record<string, EventLogMigration> {
  const { dialect, tablePrefix = DEFAULT_TABLE_PREFIX, schema } = assertOption.fields('', options, OPTIONS)
  assertOption.oneOf('dialect', dialect, DIALECT_NAMES)
  return migrationsOf(sqlDialectOf(dialect), tableNames(tablePrefix, schema))
}

/** The same, for tables whose names are known. */
export function migrationsOf(sql: SqlDialect, names: TableNames): Record<string, EventLogMigration> {
  const { readLogState, saveSchemaVersion } = logStateStatements(sql, names)

  function migrationOf(step: Step, version: number): EventLogMigration {
    return {
      async up(db: Kysely<unknown>) {
        // A plugin of the host's (camel case, say) must not rewrite what is read.
        const bare = db.withoutPlugins()
        const state = await readLogState(bare)
        if (state && state.schemaVersion >= version) return
        await step(bare, sql, names)
        await saveSchemaVersion(bare, version)
      },
    }
  }

  return Object.fromEntries(
    Object.entries(STEPS).map(([name, step], index) => [name, migrationOf(step, index + 1)]),
  )
}
