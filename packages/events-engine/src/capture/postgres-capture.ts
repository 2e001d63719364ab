import { EventEngineError, shown } from '../errors.ts'
import { type RowOf, text } from '../sql/columns.ts'
import { readRows, runStatement, type SqlExecutor } from '../sql/database.ts'
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
import { INTEGER_TYPES } from './postgres-expressions.ts'
import { postgresFunction } from './postgres-function.ts'
import { type PostgresTable, readPostgresTable } from './postgres-table.ts'
import { captureNames, quoteEscaped, quoteName } from './sql.ts'

const triggerColumns = { name: text, function: text, schema: text }
type StoredTrigger = RowOf<typeof triggerColumns>

/** Captures tables of a PostgreSQL database, where triggers find a setting of the transaction. */
export const postgresCapture: CaptureDialect = {
  tables: () => [],
  clearStatements: () => [],
  createTriggers: postgresTriggersOf,
}

function postgresTriggersOf(names: TableNames, maxDataBytes: number): CaptureTriggers {
  const own = captureNames(names)
  // In the order of their names is how triggers fire. These have to be first, or the events of what a
  // trigger of the host's changes in turn would come before the event of the change that it fired for.
  const rowTrigger = `00_${own.trigger}row`
  const truncateTrigger = `00_${own.trigger}truncate`
  const setContext = `select set_config('${own.setting}', $1, true)`

  async function readEngineSchema(db: SqlExecutor): Promise<string> {
    const [found] = await readRows(
      db,
      { schema: text },
      `select n.nspname::text as schema from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)`,
      [names.syncEvent],
    )
    return found?.schema ?? refuseUnmigrated(names.prefix)
  }

  function readTriggers(db: SqlExecutor, { oid }: PostgresTable): Promise<StoredTrigger[]> {
    return readRows(
      db,
      triggerColumns,
      `select t.tgname::text as name, p.proname::text as function, n.nspname::text as schema
        from pg_catalog.pg_trigger t
        join pg_catalog.pg_proc p on p.oid = t.tgfoid
        join pg_catalog.pg_namespace n on n.oid = p.pronamespace
        where t.tgrelid = $1::text::oid and t.tgname in ($2, $3)`,
      [oid, rowTrigger, truncateTrigger],
    )
  }

  return {
    async planCapture(db: SqlExecutor, capture: Capture) {
      const engineSchema = await readEngineSchema(db)
      const table = await findTable(db, capture.table)
      if (!table) refuseTable(capture.table)
      if (table.schema === engineSchema && ownTables(names).includes(table.name))
        refuseOwnTable(capture.table)
      assertColumns(
        capture,
        table.columns.map(({ name }) => name),
      )
      assertTypes(capture, table)

      const syncEvent = `${quoteName(engineSchema)}.${quoteName(`${names.prefix}sync_event`)}`
      const fn = postgresFunction({ capture, table, engineSchema, syncEvent, own, maxDataBytes })
      const wanted = [rowTrigger, ...(capture.actions.has('Delete') ? [truncateTrigger] : [])]
      const existing = await readTriggers(db, table)
      const foreign = existing.find(({ schema }) => schema !== engineSchema)
      if (foreign) refuseCapturedTable(capture.table, foreign.schema)
      const isCurrent =
        existing.length === wanted.length && existing.every((trigger) => trigger.function === fn.name)
      if (isCurrent) return []

      const on = `on ${quoteName(table.schema)}.${quoteName(table.name)}`
      return [
        ...fn.statements,
        `create or replace trigger ${quoteName(rowTrigger)} after insert or update or delete ${on}
          for each row execute function ${fn.qualifiedName}()`,
        wanted.includes(truncateTrigger)
          ? `create or replace trigger ${quoteName(truncateTrigger)} before truncate ${on}
          for each statement execute function ${fn.qualifiedName}()`
          : `drop trigger if exists ${quoteName(truncateTrigger)} ${on}`,
        dropUnused(engineSchema, own.trigger),
      ]
    },

    async planRelease(db: SqlExecutor, name: string) {
      const engineSchema = await readEngineSchema(db)
      const table = await findTable(db, name)
      const existing = table ? await readTriggers(db, table) : []
      if (!table || existing.length === 0) return []
      const on = `on ${quoteName(table.schema)}.${quoteName(table.name)}`
      const drops = existing.map((trigger) => `drop trigger if exists ${quoteName(trigger.name)} ${on}`)
      return [...drops, dropUnused(engineSchema, own.trigger)]
    },

    async lock(db: SqlExecutor) {
      await runStatement(db, 'select pg_advisory_xact_lock(hashtext($1))', [`${names.syncEvent} capture`])
    },

    // The setting is reset when the transaction ends.
    writeContext: (run, site) => run(setContext, [site ? `${site.tenantId}:${site.siteId}` : '']),
  }
}

function ownTables(names: TableNames): string[] {
  const qualifier = names.schema === undefined ? '' : `${names.schema}.`
  return Object.values(names).flatMap((name) =>
    typeof name === 'string' && name.startsWith(`${qualifier}${names.prefix}`)
      ? [name.slice(qualifier.length)]
      : [],
  )
}

/** Removes functions that no trigger needs any more, also those of tables that were dropped. */
function dropUnused(schema: string, prefix: string): string {
  const pattern = `^${prefix}[0-9a-f]{16}$`
  const body = `
declare
  unused regprocedure;
begin
  for unused in
    select p.oid from pg_catalog.pg_proc p
    where p.pronamespace = ${quoteEscaped(quoteName(schema))}::pg_catalog.regnamespace
      and p.proname ~ ${quoteEscaped(pattern)}
      and not exists (select from pg_catalog.pg_trigger t where t.tgfoid = p.oid)
  loop
    execute 'drop function ' || unused;
  end loop;
end`
  return `do ${quoteEscaped(body)}`
}

async function findTable(db: SqlExecutor, name: string): Promise<PostgresTable | undefined> {
  const parts = name.split('.')
  const [first = '', second, ...rest] = parts
  if (rest.length > 0) {
    throw new EventEngineError(
      'invalid_capture',
      `captureTable: options.table must be a table or schema.table; got ${shown(name)}.`,
    )
  }
  return second === undefined ? readPostgresTable(db, undefined, first) : readPostgresTable(db, first, second)
}

function assertTypes(capture: Capture, { columns }: PostgresTable): void {
  const find = (name: string) => columns.find((column) => column.name === name)
  for (const option of ['tenantId', 'siteId'] as const) {
    const source = capture[option]
    if (source.from !== 'column') continue
    const type = find(source.column)?.type ?? ''
    if (INTEGER_TYPES.includes(type)) continue
    throw new EventEngineError(
      'invalid_capture',
      `captureTable: options.${option} names the column ${shown(source.column)}, which is ${type} and no smallint, integer or bigint; name another.`,
    )
  }
  const used = [capture.entityId, ...(capture.data ?? [])]
  const virtual = used.find((name) => find(name)?.isVirtual)
  if (virtual === undefined) return
  throw new EventEngineError(
    'invalid_capture',
    `captureTable: the column ${shown(virtual)} is generated when it is read, so that triggers do not see it; leave it out, or make it STORED.`,
  )
}

function refuseCapturedTable(table: string, schema: string): never {
  throw new EventEngineError(
    'invalid_capture',
    `captureTable: ${shown(table)} is captured already, by the engine whose tables are in the schema ${shown(schema)}; release it there first, or give this engine another tablePrefix.`,
  )
}
