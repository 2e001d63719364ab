import type { WatchedDatabase } from '../connections/watched-database.ts'
import { EventEngineError } from '../errors.ts'
import { assertDriver } from '../sql/assert-driver.ts'
import { findsRow } from '../sql/database.ts'
import type { SqlDialect } from '../sql/dialect.ts'
import { prepareEmptyFile } from '../store/shrink-file.ts'
import type { TableNames } from '../store/table-names.ts'
import { LATEST_SCHEMA_VERSION, migrationsOf } from './event-log-migrations.ts'
import { type LogState, logStateStatements } from './log-state.ts'
import { runMigrations } from './run-migrations.ts'

/** The tables of one engine: what version they have, and how they get the right one. */
export interface LogSchema {
  /** Which log this is; undefined until one of the functions below has looked. */
  readonly logId: string | undefined
  /** @throws EventEngineError `schema_too_new`, `read_only_database`, `unsupported_driver` */
  migrate(): Promise<void>
  /**
   * Goes by what the tables say of themselves, so that it does not matter whose migrator ran.
   *
   * @throws EventEngineError `not_migrated`, `schema_too_new`, `read_only_database`, `unsupported_driver`
   */
  assertCurrent(): Promise<void>
}

/** Creates what looks after the tables of one engine. */
export function createLogSchema(
  { db, unhurried }: Pick<WatchedDatabase, 'db' | 'unhurried'>,
  sql: SqlDialect,
  names: TableNames,
): LogSchema {
  const { readLogState, touchLogState } = logStateStatements(sql, names)
  let logId: string | undefined

  /** Every one of our statements would fail, one after the other, and be tried again. */
  async function assertWritable(caller: string): Promise<void> {
    if (sql.findReadOnly === undefined || !(await findsRow(db, sql.findReadOnly))) return
    throw new EventEngineError(
      'read_only_database',
      `${caller}: the database begins transactions as read only (default_transaction_read_only, or a standby); connect to the primary, as a role that may write.`,
    )
  }

  async function readState(caller: string): Promise<LogState | undefined> {
    await assertDriver(db, sql, caller)
    const state = await readLogState(db)
    if (state && state.schemaVersion > LATEST_SCHEMA_VERSION) {
      throw new EventEngineError(
        'schema_too_new',
        `${caller}: the tables ${names.prefix}* have version ${state.schemaVersion}, and this version of @x/events-engine knows ${LATEST_SCHEMA_VERSION}; update the package on this node.`,
      )
    }
    logId = state?.logId
    return state
  }

  return {
    get logId() {
      return logId
    },
    async migrate() {
      await assertWritable('engine.migrate')
      await readState('engine.migrate')
      if (sql.isLocal) await prepareEmptyFile(db)
      const migrations = migrationsOf(sql, names)
      await runMigrations(unhurried, { migrations, prefix: names.prefix, schema: names.schema })
      await readState('engine.migrate')
    },
    async assertCurrent() {
      await assertWritable('engine.start')
      const state = await readState('engine.start')
      if (state?.schemaVersion === LATEST_SCHEMA_VERSION) return touchLogState(db)
      throw new EventEngineError(
        'not_migrated',
        `engine.start: the tables ${names.prefix}* are missing or older than this version; call engine.migrate() first, or run all of eventLogMigrations() among your own.`,
      )
    },
  }
}
