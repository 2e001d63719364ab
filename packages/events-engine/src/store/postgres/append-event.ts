import { runStatement, type SqlExecutor } from '../../sql/database.ts'
import type { EventRow } from '../event-row.ts'
import type { TableNames } from '../table-names.ts'

/** The columns that a raiser fills, and the parameters that stand for them. */
export const COLUMNS = 'id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace'
export const VALUES = `$1::text, $2::bigint, $3::bigint, $4::text, $5::text, $6::text,
  to_timestamp($7::double precision / 1000), $8::text::json, $9::text`

/** The two ways into the log. Each is one insert: no other table, no NOTIFY, no shared row. */
export function appendStatements(names: TableNames) {
  const one = `insert into ${names.syncEvent} (${COLUMNS}) values (${VALUES})`
  const many = `insert into ${names.syncEvent} (${COLUMNS})
    select id, tenant_id, site_id, entity_name, entity_id, action,
      to_timestamp(modified_on::double precision / 1000), data::json, trace
    from rows from (json_to_recordset($1::text::json) as (id text, tenant_id bigint, site_id bigint, entity_name text,
      entity_id text, action text, modified_on bigint, data text, trace text)) with ordinality as row
    order by ordinality`

  return {
    async append(executor: SqlExecutor, row: EventRow): Promise<void> {
      await runStatement(executor, one, valuesOf(row))
    },
    async appendAll(executor: SqlExecutor, rows: readonly EventRow[]): Promise<void> {
      await runStatement(executor, many, [JSON.stringify(rows)])
    },
  }
}

/** The parameters of {@link VALUES}. */
export function valuesOf(row: EventRow): (string | number | null)[] {
  const { id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace } = row
  return [id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace]
}
