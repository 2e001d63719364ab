import { runStatement, type SqlExecutor } from '../../sql/database.ts'
import { createRowsStatement } from '../../sql/sqlite-rows.ts'
import type { EventRow } from '../event-row.ts'
import type { TableNames } from '../table-names.ts'

const COLUMNS = 'id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace'

/** The two ways into the log. Each is one insert and touches no other table. */
export function appendStatements(names: TableNames) {
  const one = `insert into ${names.syncEvent} (${COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`
  const many = createRowsStatement(
    9,
    {},
    (rows) => `insert into ${names.syncEvent} (${COLUMNS}) select * from ${rows} where column1 is not null`,
  )

  return {
    async append(executor: SqlExecutor, row: EventRow): Promise<void> {
      await runStatement(executor, one, valuesOf(row))
    },
    async appendAll(executor: SqlExecutor, rows: readonly EventRow[]): Promise<void> {
      await many(executor, [], rows.map(valuesOf))
    },
  }
}

function valuesOf(row: EventRow): (string | number | null)[] {
  const { id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace } = row
  return [id, tenant_id, site_id, entity_name, entity_id, action, modified_on, data, trace]
}
