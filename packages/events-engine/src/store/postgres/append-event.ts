import { runStatement, type SqlExecutor } from '../../database.ts'
import type { EventRow } from '../event-row.ts'
import type { TableNames } from '../table-names.ts'

const COLUMNS = 'id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace'

/** The two ways into the log. Each is one insert: no other table, no NOTIFY, no shared row. */
export function appendStatements(names: TableNames) {
  const one = `insert into ${names.syncEvent} (${COLUMNS})
    values ($1, $2, $3, $4, $5, $6, to_timestamp($7::double precision / 1000), $8, $9)`
  const many = `insert into ${names.syncEvent} (${COLUMNS})
    select id, tenant_id, site_id, entity_name, entity_id, action,
      to_timestamp(modified_on::double precision / 1000), data::json, trace
    from rows from (json_to_recordset($1) as (id text, tenant_id bigint, site_id bigint, entity_name text,
      entity_id text, action text, modified_on bigint, data text, trace text)) with ordinality as row
    order by ordinality`

  return {
    async append(executor: SqlExecutor, row: EventRow): Promise<void> {
      const { id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace } = row
      await runStatement(executor, one, [
        id,
        tenant_id,
        site_id,
        entity_name,
        entity_id,
        action,
        modified_on,
        data,
        trace,
      ])
    },
    async appendAll(executor: SqlExecutor, rows: readonly EventRow[]): Promise<void> {
      await runStatement(executor, many, [JSON.stringify(rows)])
    },
  }
}
