import { type RowOf, text } from '../sql/columns.ts'
import { findsRow, readRows, runStatement, type SqlExecutor } from '../sql/database.ts'
import type { TableNames } from '../store/table-names.ts'
import {
  assertColumns,
  type CaptureDialect,
  type CaptureTriggers,
  refuseOwnTable,
  refuseTable,
  refuseUnmigrated,
} from './capture-dialect.ts'
import type { Capture } from './capture-options.ts'
import { captureNames, quoteName, quoteText } from './sql.ts'
import { readSqliteTable } from './sqlite-table.ts'
import { sqliteTriggers } from './sqlite-trigger.ts'

const triggerColumns = { name: text, sql: text }
type StoredTrigger = RowOf<typeof triggerColumns>

/** Captures tables of a SQLite database, where a trigger can only use tables of its own database. */
export const sqliteCapture: CaptureDialect = {
  tables(names) {
    const own = captureNames(names)
    return [
      `create table if not exists ${own.context} (
      singleton integer primary key check (singleton = 1),
      tenant_id integer not null,
      site_id integer not null
    )`,
      `create table if not exists ${own.replaced} (
      source text not null,
      row_key,
      tenant_id integer,
      site_id integer,
      entity_id text,
      data text
    )`,
    ]
  },
  clearStatements: (names) => [`delete from ${captureNames(names).replaced}`],
  createTriggers: sqliteTriggersOf,
}

function sqliteTriggersOf(names: TableNames, maxDataBytes: number): CaptureTriggers {
  const own = captureNames(names)
  const ownTables: readonly string[] = [...Object.values(names), own.context, own.replaced]

  function readTriggers(db: SqlExecutor, table: string): Promise<StoredTrigger[]> {
    return readRows(
      db,
      triggerColumns,
      "select name, sql from sqlite_schema where type = 'trigger' and tbl_name = ? order by rowid",
      [table],
    )
  }

  const setContext = `insert or replace into ${own.context} (singleton, tenant_id, site_id) values (1, ?, ?)`
  const clearContext = `delete from ${own.context}`
  const drop = ({ name }: StoredTrigger) => `drop trigger if exists ${quoteName(name)}`
  const isOwn = ({ name }: StoredTrigger) => name.startsWith(own.trigger)

  return {
    async planCapture(db: SqlExecutor, capture: Capture) {
      if (ownTables.includes(capture.table)) refuseOwnTable(capture.table)
      const exists = "select 1 from sqlite_schema where type = 'table' and name = ?"
      if (!(await findsRow(db, exists, [own.replaced]))) refuseUnmigrated(names.prefix)
      const table = await readSqliteTable(db, capture.table)
      if (!table) refuseTable(capture.table)
      assertColumns(
        capture,
        table.columns.map(({ name }) => name),
      )
      const wanted = sqliteTriggers({ capture, table, names, own, maxDataBytes })
      const existing = await readTriggers(db, table.name)
      // The trigger that was created last fires first. Ours must, or the events of changes that a trigger of the host makes
      // would come before the event of the change that it fired for.
      const last = existing.slice(-wanted.length)
      const isCurrent =
        existing.filter(isOwn).length === wanted.length &&
        wanted.every(({ name, sql }, index) => last[index]?.name === name && last[index].sql === sql)
      if (isCurrent) return []
      return [...existing.filter(isOwn), ...wanted].map(drop).concat(wanted.map(({ sql }) => sql))
    },

    async planRelease(db: SqlExecutor, table: string) {
      const existing = (await readTriggers(db, table)).filter(isOwn)
      if (existing.length === 0) return []
      return [...existing.map(drop), `delete from ${own.replaced} where source = ${quoteText(table)}`]
    },

    async lock(db: SqlExecutor) {
      // A transaction that has read may not be allowed to write any more, once another has written.
      await runStatement(db, `delete from ${own.replaced} where source is null`)
    },

    // A row that is never committed. There is one writer, so no other transaction sees it.
    writeContext: (run, site) =>
      site ? run(setContext, [site.tenantId, site.siteId]) : run(clearContext, []),
  }
}
