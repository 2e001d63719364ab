import { randomUUID } from 'node:crypto'
import { integer, text } from '../sql/columns.ts'
import { countChanges, findsRow, readRows, runStatement, type SqlExecutor } from '../sql/database.ts'
import type { SqlDialect } from '../sql/dialect.ts'
import type { TableNames } from '../store/table-names.ts'

/** The version and the identity of the log's tables. */
export interface LogState {
  /** How many of the engine's migrations have run. */
  readonly schemaVersion: number
  /** Distinguishes this log from those of other databases; a restored dump keeps it. */
  readonly logId: string
}

/** SQL: the id in a column that holds it with the number of times the log was restored: `id` or `id.times`. */
export const LOG_ID = `split_part(log_id, '.', 1)`

/** Creates the statements about the one row of the log's state. */
export function logStateStatements(sql: SqlDialect, names: TableNames) {
  const exists = sql.findTable(names.logState)
  const select = `select schema_version, log_id from ${names.logState}`
  const create = `create table if not exists ${names.logState} (
    singleton integer primary key check (singleton = 1),
    schema_version integer not null,
    log_id text not null,
    purged text not null default '0',
    purged_seq bigint not null default 0
  )`
  const touch = `update ${names.logState} set purged = purged where false`
  const save = sql.statement(
    `insert into ${names.logState} (singleton, schema_version, log_id) values (1, $1, $2)${sql.upsert({
      key: 'singleton',
      set: `schema_version = ${sql.proposed('schema_version')}`,
    })}`,
  )

  return {
    /** @returns undefined where there are no tables. */
    async readLogState(db: SqlExecutor): Promise<LogState | undefined> {
      // Asked first: a statement that fails would end the transaction of a migration.
      if (!(await findsRow(db, exists))) return undefined
      const [row] = await readRows(db, { schema_version: integer, log_id: text }, select)
      return row && { schemaVersion: row.schema_version, logId: row.log_id.split('.', 1)[0] as string }
    },

    async saveSchemaVersion(db: SqlExecutor, schemaVersion: number): Promise<void> {
      await runStatement(db, create)
      await countChanges(db, save, [schemaVersion, randomUUID()])
    },

    /**
     * Asserts that the driver counts changes, by a statement that changes nothing. Where it would wait for the write lock,
     * the first real count shows it.
     *
     * @throws EventEngineError `unsupported_driver`
     */
    async touchLogState(db: SqlExecutor): Promise<void> {
      if (!sql.isLocal) await countChanges(db, touch)
    },
  }
}
