import type { WatchedDatabase } from '../connections/watched-database.ts'
import { EventEngineError } from '../errors.ts'
import { assertDriver } from '../sql/assert-driver.ts'
import { text } from '../sql/columns.ts'
import { type Dialect, readRows } from '../sql/database.ts'
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

const READ_ONLY = `select current_setting('transaction_read_only') as value`

/** Creates what looks after the tables of one engine. */
export function createLogSchema(
  { db, unhurried }: Pick<WatchedDatabase, 'db' | 'unhurried'>,
  dialect: Dialect,
  names: TableNames,
): LogSchema {
  const { readLogState, touchLogState } = logStateStatements(dialect, names)
  let logId: string | undefined

  /** Every one of our statements would fail, one after the other, and be tried again. */
  async function assertWritable(caller: string): Promise<void> {
    if (dialect === 'sqlite') return
    const [row] = await readRows(db, { value: text }, READ_ONLY)
    if (row?.value !== 'on') return
    throw new EventEngineError(
      'read_only_database',
      `${caller}: the database begins transactions as read only (default_transaction_read_only, or a standby); connect to the primary, as a role that may write.`,
    )
  }

  async function readState(caller: string): Promise<LogState | undefined> {
    await assertDriver(db, dialect, caller)
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
      if (dialect === 'sqlite') await prepareEmptyFile(db)
      const migrations = migrationsOf(dialect, names)
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
